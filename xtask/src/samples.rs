//! Runs the programs that stand in the documentation, so that what an integrator copies works.

use std::process::Command;

/// Signed with `whsec_test` over `{}`; the same that the documentation names.
const HEADER: &str = "t=1795226786,v1=ac7f57d1c1816c99dcd70cd26cda51c0d706ac6643bb1c056a16c02c47bdc0d7";

/// The first block of this language on a page.
fn block(page: &str, language: &str) -> String {
    let tree = crate::tree::Tree::of_workspace();
    let text = &tree.get(page).expect("the page is there").text;
    let (_, rest) = text
        .split_once(&format!("```{language}\n"))
        .expect("the page has a block of this language");
    rest.split_once("```").expect("the block ends").0.to_string()
}

#[test]
fn the_documentation_names_the_header_that_this_test_uses() {
    let tree = crate::tree::Tree::of_workspace();
    assert!(
        tree.get("docs/integrator.md")
            .expect("the page is there")
            .text
            .contains(HEADER)
    );
}

#[test]
fn the_javascript_program_takes_a_right_signature_and_refuses_wrong_ones() {
    let program = format!(
        r#"{}

const header = "{HEADER}";
const right = (h = header, body = "{{}}", secret = "whsec_test", now = 1795226800) => isFromSeawall(h, Buffer.from(body), secret, now);
const wrong = [right(header.replace("ac7", "ac8")), right(header, "{{ }}"), right(header, "{{}}", "x"), right(header, "{{}}", "whsec_test", 1795230000), right(""), right("t=1,v1")];
if (right() && right("t=1795226786,v1=00," + header.split(",")[1]) && !wrong.some(Boolean)) console.log("as promised");
"#,
        block("docs/integrator.md", "js")
    );
    let output = Command::new("node")
        .args(["--input-type=module", "-e", &program])
        .output();
    let Ok(output) = output else {
        eprintln!("NOT CHECKED: there is no node here");
        return;
    };
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "as promised\n",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn the_python_program_takes_a_right_signature_and_refuses_wrong_ones() {
    let program = format!(
        r#"{}

header, other = "{HEADER}", "{HEADER}".replace("ac7", "ac8")
def right(header=header, body=b"{{}}", secret="whsec_test", now=1795226800):
    return is_from_seawall(header, body, secret, now)
assert right()
assert right(header="t=1795226786,v1=00," + header.split(",")[1])
for wrong in [right(header=other), right(body=b"{{ }}"), right(secret="x"), right(now=1795230000), right(header=""), right(header="t=1,v1")]:
    assert not wrong
print("as promised")
"#,
        block("docs/integrator.md", "python")
    );
    let output = Command::new("python3")
        .arg("-c")
        .arg(program)
        .output()
        .expect("python3 runs (scripts/setup.sh test installs it)");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "as promised\n",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
