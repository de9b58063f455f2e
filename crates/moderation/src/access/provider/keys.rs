//! The keys that a provider signs with, and whether a token was signed with one of them. The arithmetic is `ring`'s.
//!
//! Only signatures that a public key checks are taken: none at all and those of a shared secret are not, so that nobody can
//! sign with what everybody knows.

use std::sync::Once;

use jsonwebtoken::crypto::{CryptoProvider, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::signature::{Error as SignatureError, Verifier};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind, Header, Validation};
use ring::signature as arithmetic;
use serde_json::{Map, Value};

use super::tokens::TokenError;

/// The most keys of a provider that are looked at.
const KEYS_MAX: usize = 100;
/// The longest token that is looked at, in bytes.
pub const TOKEN_BYTES_MAX: usize = 64 << 10;

/// The signatures that are taken.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// The keys that a provider published.
#[derive(Debug, Clone, Default)]
pub struct Keys(Vec<Jwk>);

/// A token whose signature is the provider's. Nothing that it says has been looked at.
#[derive(Debug, Clone)]
pub struct Signed {
    /// How it was signed.
    pub algorithm: Algorithm,
    /// What kind of token it says that it is.
    pub kind: Option<String>,
    /// What it says.
    pub claims: Map<String, Value>,
}

impl Keys {
    /// Reads the set that a provider publishes. A key of a kind that nobody here knows is left out.
    pub fn read(set: &Value) -> Option<Self> {
        install();
        let keys = set.get("keys")?.as_array()?;
        let known = keys.iter().take(KEYS_MAX).filter_map(|key| {
            let key: Jwk = serde_json::from_value(key.clone()).ok()?;
            let signs = !matches!(key.common.public_key_use, Some(PublicKeyUse::Encryption));
            (signs && DecodingKey::from_jwk(&key).is_ok()).then_some(key)
        });
        Some(Self(known.collect()))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The one key that a token can have been signed with.
    fn find(&self, header: &Header) -> Result<DecodingKey, TokenError> {
        let fits = |key: &&Jwk| {
            let is_named = header.kid.is_none() || key.common.key_id == header.kid;
            let algorithm = key
                .common
                .key_algorithm
                .map(|algorithm| Algorithm::try_from(algorithm).ok());
            is_named && algorithm.is_none_or(|algorithm| algorithm == Some(header.alg))
        };
        let mut found = self
            .0
            .iter()
            .filter(fits)
            .filter_map(|key| DecodingKey::from_jwk(key).ok())
            .filter(|key| key.family() == header.alg.family());
        match (found.next(), found.next()) {
            (Some(key), None) => Ok(key),
            (None, _) => Err(TokenError::UnknownKey),
            (Some(_), Some(_)) => Err(TokenError::SeveralKeys),
        }
    }

    /// Reads a token that one of the keys signed.
    pub fn open(&self, token: &str) -> Result<Signed, TokenError> {
        install();
        let header = read_header(token)?;
        let key = self.find(&header)?;
        let mut only_the_signature = Validation::new(header.alg);
        // What it says is checked in `tokens.rs`, by our own clock.
        only_the_signature.required_spec_claims.clear();
        only_the_signature.validate_exp = false;
        only_the_signature.validate_aud = false;
        let opened = jsonwebtoken::decode::<Map<String, Value>>(token, &key, &only_the_signature);
        let opened = opened.map_err(|error| match error.kind() {
            ErrorKind::InvalidSignature => TokenError::Signature,
            _ => TokenError::Malformed,
        })?;
        Ok(Signed {
            algorithm: header.alg,
            kind: header.typ,
            claims: opened.claims,
        })
    }
}

/// How a token says that it was signed, if that may be looked into at all. It takes no key.
pub fn read_header(token: &str) -> Result<Header, TokenError> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(TokenError::Malformed);
    }
    // An algorithm that is not known, `none` among them, does not read.
    let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Malformed)?;
    if !ALGORITHMS.contains(&header.alg) {
        return Err(TokenError::Algorithm);
    }
    if header.crit.is_some() {
        return Err(TokenError::Malformed);
    }
    Ok(header)
}

/// Nothing is signed here, only checked.
static RING: CryptoProvider = CryptoProvider {
    signer_factory: |_, _| Err(ErrorKind::UnsupportedAlgorithm.into()),
    verifier_factory: |algorithm, key| match key.family() == algorithm.family() {
        true => Ok(Box::new(ByRing {
            algorithm: *algorithm,
            key: key.clone(),
        })),
        false => Err(ErrorKind::InvalidKeyFormat.into()),
    },
    key_utils: KeyUtils::new_unimplemented(),
};

fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // It fails only if the same was done before.
        let _ = RING.install_default();
    });
}

struct ByRing {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl JwtVerifier for ByRing {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

impl Verifier<Vec<u8>> for ByRing {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), SignatureError> {
        let by_rsa = |how: &'static arithmetic::RsaParameters| match self.key.kind() {
            DecodingKeyKind::RsaModulusExponent { n, e } => {
                arithmetic::RsaPublicKeyComponents { n, e }.verify(how, message, signature)
            }
            DecodingKeyKind::SecretOrDer(_) => Err(ring::error::Unspecified),
        };
        let by_point = |how: &'static dyn arithmetic::VerificationAlgorithm| match self.key.kind() {
            DecodingKeyKind::SecretOrDer(point) => {
                arithmetic::UnparsedPublicKey::new(how, point).verify(message, signature)
            }
            DecodingKeyKind::RsaModulusExponent { .. } => Err(ring::error::Unspecified),
        };
        let checked = match self.algorithm {
            Algorithm::RS256 => by_rsa(&arithmetic::RSA_PKCS1_2048_8192_SHA256),
            Algorithm::RS384 => by_rsa(&arithmetic::RSA_PKCS1_2048_8192_SHA384),
            Algorithm::RS512 => by_rsa(&arithmetic::RSA_PKCS1_2048_8192_SHA512),
            Algorithm::PS256 => by_rsa(&arithmetic::RSA_PSS_2048_8192_SHA256),
            Algorithm::PS384 => by_rsa(&arithmetic::RSA_PSS_2048_8192_SHA384),
            Algorithm::PS512 => by_rsa(&arithmetic::RSA_PSS_2048_8192_SHA512),
            Algorithm::ES256 => by_point(&arithmetic::ECDSA_P256_SHA256_FIXED),
            Algorithm::ES384 => by_point(&arithmetic::ECDSA_P384_SHA384_FIXED),
            Algorithm::EdDSA => by_point(&arithmetic::ED25519),
            // A shared secret, or what a later version of the library adds.
            _ => Err(ring::error::Unspecified),
        };
        debug_assert!(self.algorithm.family() != AlgorithmFamily::Hmac);
        checked.map_err(|_| SignatureError::new())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// RFC 7515, appendix A.2: a key and a token signed with RS256.
    const RSA_N: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
    const RSA_TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

    fn set(keys: Value) -> Keys {
        Keys::read(&json!({ "keys": keys })).unwrap()
    }

    #[test]
    fn a_published_signature_is_checked() {
        let key = json!({ "kty": "RSA", "n": RSA_N, "e": "AQAB" });
        let signed = set(json!([key])).open(RSA_TOKEN).unwrap();
        assert_eq!(
            (signed.algorithm, &signed.claims["iss"]),
            (Algorithm::RS256, &json!("joe"))
        );

        // A key that says it is for something else, or a second that would do as well, is not taken.
        let for_encryption = json!({ "kty": "RSA", "n": RSA_N, "e": "AQAB", "use": "enc" });
        let check = |keys: Value, expected| assert_eq!(set(keys).open(RSA_TOKEN).unwrap_err(), expected);
        check(json!([for_encryption]), TokenError::UnknownKey);
        let for_pss = json!({ "kty": "RSA", "n": RSA_N, "e": "AQAB", "alg": "PS256" });
        check(json!([for_pss]), TokenError::UnknownKey);
        check(json!([key, key]), TokenError::SeveralKeys);
        check(json!([]), TokenError::UnknownKey);
    }

    #[test]
    fn what_was_changed_is_not_taken() {
        let keys = set(json!([{ "kty": "RSA", "n": RSA_N, "e": "AQAB" }]));
        let parts: Vec<&str> = RSA_TOKEN.split('.').collect();
        let changed = format!("{}.{}.{}", parts[0], parts[1].replace("eyJpc3", "eyJpc2"), parts[2]);
        assert!(keys.open(&changed).is_err());
        let cut = &RSA_TOKEN[..RSA_TOKEN.len() - 2];
        assert_eq!(keys.open(cut).unwrap_err(), TokenError::Signature);
        for nonsense in ["", "a.b", "a.b.c", "...", &"x".repeat(TOKEN_BYTES_MAX + 1)] {
            assert_eq!(
                keys.open(nonsense).unwrap_err(),
                TokenError::Malformed,
                "{nonsense:.20}"
            );
        }
    }

    #[test]
    fn keys_of_unknown_kinds_are_left_out() {
        let keys = set(json!([{ "kty": "NEW" }, { "kty": 7 }, 5, { "kty": "oct", "k": "c2VjcmV0" }]));
        assert_eq!(
            keys.len(),
            1,
            "one that could never sign a token of ours is left, and fits none"
        );
        assert!(keys.open(RSA_TOKEN).is_err());
        assert!(Keys::read(&json!({ "keys": "none" })).is_none());
    }
}
