//! Checks a signature as the integrator's page says. Pure.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// How old, or how far in the future, a signature may be.
const TOLERANCE_S: u64 = 300;

/// Whether `header` (`t=<unix seconds>,v1=<hex>`) was made from `body` with `secret` within the last five minutes.
pub fn is_right(header: &str, body: &[u8], secret: &str, now_s: i64) -> bool {
    let (mut time, mut codes) = (None, Vec::new());
    for part in header.split(',') {
        match part.split_once('=') {
            Some(("t", _)) if time.is_some() => return false,
            Some(("t", value)) => time = Some(value),
            Some(("v1", value)) => codes.push(value),
            Some(_) | None => {}
        }
    }
    let Some(time) = time.filter(|time| !time.is_empty() && time.bytes().all(|byte| byte.is_ascii_digit())) else {
        return false;
    };
    let Ok(signed_s) = time.parse::<i64>() else {
        return false;
    };
    if now_s.abs_diff(signed_s) > TOLERANCE_S {
        return false;
    }
    codes.into_iter().any(|code| {
        let Ok(code) = hex::decode(code) else { return false };
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
            return false;
        };
        mac.update(time.as_bytes());
        mac.update(b".");
        mac.update(body);
        mac.verify_slice(&code).is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // Python: hmac.new(b"whsec_test", b"1795226786.{}", "sha256").hexdigest()
    const CODE: &str = "ac7f57d1c1816c99dcd70cd26cda51c0d706ac6643bb1c056a16c02c47bdc0d7";

    #[test]
    fn a_signature_holds_for_its_body_secret_and_time() {
        let header = format!("t=1795226786,v1={CODE}");
        let check = |header: &str, body: &str, secret: &str, now_s| is_right(header, body.as_bytes(), secret, now_s);
        assert!(check(&header, "{}", "whsec_test", 1_795_226_786));
        assert!(check(&header, "{}", "whsec_test", 1_795_226_786 + 300));
        assert!(check(
            &format!("t=1795226786,v0=00,v1=00,v1={CODE}"),
            "{}",
            "whsec_test",
            1_795_226_786
        ));
        for (header, body, secret, now_s) in [
            (header.as_str(), "{} ", "whsec_test", 1_795_226_786),
            (&header, "{}", "whsec_tesT", 1_795_226_786),
            (&header, "{}", "whsec_test", 1_795_226_786 + 301),
            (&header, "{}", "whsec_test", 1_795_226_786 - 301),
            (&format!("t=1795226787,v1={CODE}"), "{}", "whsec_test", 1_795_226_786),
            (
                &format!("t=1795226786,t=1795226786,v1={CODE}"),
                "{}",
                "whsec_test",
                1_795_226_786,
            ),
            (&format!("v1={CODE}"), "{}", "whsec_test", 1_795_226_786),
            ("t=1795226786", "{}", "whsec_test", 1_795_226_786),
            ("", "{}", "whsec_test", 1_795_226_786),
        ] {
            assert!(!check(header, body, secret, now_s), "{header}");
        }
    }
}
