//! Passwords, one-time passwords and tokens. Pure: values in, values out; time and chance are arguments.

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use totp_rs::{Builder, Secret, Totp};

use crate::model::{Chance, Timestamp};

/// The fewest characters of a password. It never stands alone: a one-time password goes with it.
pub const PASSWORD_LENGTH_MIN: usize = 10;
/// The most bytes of a password that are looked at.
pub const PASSWORD_BYTES_MAX: usize = 1_000;

/// What an API key's secret begins with, so that scanners of leaked secrets can know it.
pub const KEY_PREFIX: &str = "sw_";

/// A secret could not be made or used.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing}")]
pub struct SecretError {
    doing: &'static str,
}

/// A token of 256 bits of chance, as text that can stand in a link.
pub fn fresh_token(chance: &Chance) -> String {
    URL_SAFE_NO_PAD.encode(chance.bytes::<32>())
}

/// How a token of 256 bits is kept: SHA-256, in hex. It needs no salt and no slowness, since it cannot be guessed.
pub fn token_hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

/// Another secret that only who holds `token` can know, one for each purpose.
pub fn derived(token: &str, purpose: &str) -> String {
    let mut hasher = Sha256::new();
    hasher.update((purpose.len() as u64).to_be_bytes());
    hasher.update(purpose.as_bytes());
    hasher.update(token.as_bytes());
    URL_SAFE_NO_PAD.encode(hasher.finalize())
}

/// What is shown of a secret first, so that who shows the secret later is known to be the same (RFC 7636, `S256`).
pub fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
}

/// The memory of one hash, in KiB: 46 MiB and one pass is the first of the equally strong choices that OWASP names (Password
/// Storage Cheat Sheet). Above 32 MiB an allocator gives the memory back each time; less would stay with every thread.
const HASH_KIB: u32 = 47_104;
const HASH_PASSES: u32 = 1;

/// How a password is kept: Argon2id, in PHC form. Takes tens of milliseconds: not for an async thread.
pub fn hash_password(password: &str, chance: &Chance) -> Result<String, SecretError> {
    let salt = chance.bytes::<16>();
    let params = Params::new(HASH_KIB, HASH_PASSES, 1, None).map_err(|_| SecretError {
        doing: "hash a password",
    })?;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_with_salt(password.as_bytes(), &salt)
        .map(|hash| hash.to_string())
        .map_err(|_| SecretError {
            doing: "hash a password",
        })
}

/// Whether the password is the one that was hashed. Takes as long where there is no hash, so that an unknown name cannot
/// be told from a wrong password by the time it takes.
pub fn verify_password(password: &str, hash: Option<&str>) -> bool {
    // A hash of nothing anyone knows, as costly as those of `hash_password`.
    const DECOY: &str =
        "$argon2id$v=19$m=47104,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let matches = Argon2::default()
        .verify_password(password.as_bytes(), hash.unwrap_or(DECOY))
        .is_ok();
    matches && hash.is_some()
}

/// The seed of one-time passwords: 160 bits of chance, in base 32.
pub fn fresh_totp_secret(chance: &Chance) -> String {
    Secret::from(chance.bytes::<20>()).to_base32()
}

/// The link by which an authenticator app learns the seed.
pub fn totp_uri(secret: &str, user_name: &str) -> Result<String, SecretError> {
    totp(secret, user_name)?.to_url().map_err(|_| SecretError {
        doing: "write the authenticator's link",
    })
}

/// The time step for which `code` is the one-time password at `now` (one step early or late is accepted), if it is one and
/// is newer than `step_used`: none is good twice.
pub fn check_totp(secret: &str, code: &str, now: Timestamp, step_used: i64) -> Option<i64> {
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let step = totp(secret, "user")
        .ok()?
        .check(&code, u64::try_from(now.unix_seconds()).ok()?)?;
    let step = i64::try_from(step).ok()?;
    (step > step_used).then_some(step)
}

/// How many digits a recovery code has: 66 bits of chance, so that its plain hash tells nothing.
pub const RECOVERY_DIGITS: usize = 20;
/// How many recovery codes a user is given.
pub const RECOVERY_CODES: usize = 10;

/// A recovery code: digits, which every keyboard for codes has.
pub fn fresh_recovery_code(chance: &Chance) -> String {
    // 2^64 is so much more than 10^10 that the remainder favours none by anything that counts.
    let half = || u64::from_be_bytes(chance.bytes::<8>()) % 10_000_000_000;
    format!("{:010}{:010}", half(), half())
}

/// Whether a code has the form of a recovery code, once spaces and hyphens are taken out.
pub fn is_recovery_code(code: &str) -> bool {
    code.len() == RECOVERY_DIGITS && code.bytes().all(|byte| byte.is_ascii_digit())
}

/// The one-time password at `now`: for tests and for the demo's helper, which stand in for the authenticator app.
pub fn totp_code(secret: &str, now: Timestamp) -> Result<String, SecretError> {
    let seconds = u64::try_from(now.unix_seconds()).map_err(|_| SecretError { doing: "tell the time" })?;
    Ok(totp(secret, "user")?.generate(seconds).to_string())
}

fn totp(secret: &str, user_name: &str) -> Result<Totp, SecretError> {
    let secret = Secret::try_from_base32(secret).map_err(|_| SecretError {
        doing: "read a one-time password's seed",
    })?;
    Builder::new()
        .with_secret(secret)
        .with_account_name(user_name.replace(':', " "))
        .with_issuer(Some("Seawall"))
        .build()
        .map_err(|_| SecretError {
            doing: "set one-time passwords up",
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_again_and_another_is_not() {
        let chance = Chance::seeded(5);
        let hash = hash_password("correct horse battery", &chance).unwrap();
        assert!(hash.starts_with(&format!("$argon2id$v=19$m={HASH_KIB},t={HASH_PASSES},p=1$")));
        assert!(verify_password("correct horse battery", Some(&hash)));
        assert!(!verify_password("correct horse batterz", Some(&hash)));
        assert!(!verify_password("", None));
        assert_ne!(hash, hash_password("correct horse battery", &chance).unwrap());
    }

    #[test]
    fn one_time_passwords_follow_rfc_6238_and_are_good_once() {
        // RFC 6238, appendix B, SHA-1: the last six digits of the code at 1111111109 s.
        let secret = Secret::from(*b"12345678901234567890").to_base32();
        let now = Timestamp::from_unix_ms(1_111_111_109_000);
        assert_eq!(totp_code(&secret, now).unwrap(), "081804");
        let step = check_totp(&secret, "081 804", now, 0).unwrap();
        assert_eq!(step, 1_111_111_109 / 30);
        assert_eq!(check_totp(&secret, "081804", now, step), None);
        assert_eq!(check_totp(&secret, "081805", now, 0), None);
        assert_eq!(check_totp(&secret, "", now, 0), None);
        let much_later = Timestamp::from_unix_ms(1_111_111_109_000 + 120_000);
        assert_eq!(check_totp(&secret, "081804", much_later, 0), None);
    }

    #[test]
    fn tokens_differ_and_only_their_hash_is_kept() {
        let chance = Chance::seeded(5);
        let (one, two) = (fresh_token(&chance), fresh_token(&chance));
        assert_ne!(one, two);
        assert_eq!(one.len(), 43);
        assert_ne!(token_hash(&one), one);
    }

    #[test]
    fn a_challenge_is_that_of_the_standard() {
        // RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(challenge(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert_ne!(derived("token", "nonce"), derived("token", "verifier"));
        assert_ne!(derived("token", "nonce"), derived("nekot", "nonce"));
    }

    #[test]
    fn the_authenticators_link_names_seawall_and_the_user() {
        let uri = totp_uri(&fresh_totp_secret(&Chance::seeded(1)), "amal:x").unwrap();
        assert!(uri.starts_with("otpauth://totp/Seawall:amal"), "{uri}");
    }
}
