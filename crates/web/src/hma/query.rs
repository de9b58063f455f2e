//! Queries as HMA reads them: what it does not know it ignores, and of a name that is there twice it takes the first value.

use axum::extract::{FromRequestParts, RawQuery};
use axum::http::request::Parts;
use serde_json::Value;

use super::answers::{FieldError, Refusal};

/// The query, name by name.
#[derive(Debug)]
pub(super) struct Query(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let RawQuery(query) = match RawQuery::from_request_parts(parts, state).await {
            Ok(query) => query,
            Err(never) => match never {},
        };
        Ok(Self::parse(query.as_deref().unwrap_or_default()))
    }
}

impl Query {
    fn parse(query: &str) -> Self {
        Self(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// The value of a name, if it is there.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The value of a name, if it is there and not empty.
    pub fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// The values of names that have to be there.
    pub fn required<const N: usize>(&self, names: [&str; N]) -> Result<[&str; N], Refusal> {
        let missing: Vec<FieldError> = names
            .iter()
            .filter(|name| self.get(name).is_none())
            .map(|name| FieldError::missing(name, self.as_json()))
            .collect();
        if !missing.is_empty() {
            return Err(Refusal::Fields(missing));
        }
        Ok(names.map(|name| self.get(name).unwrap_or_default()))
    }

    /// A flag that is `false` where it is missing.
    pub fn flag(&self, name: &str) -> Result<bool, Refusal> {
        match self.get(name).map(str::to_ascii_lowercase).as_deref() {
            None => Ok(false),
            Some("1" | "true" | "t" | "yes" | "y" | "on") => Ok(true),
            Some("0" | "false" | "f" | "no" | "n" | "off") => Ok(false),
            Some(other) => Err(Refusal::Fields(vec![FieldError::new(
                "bool_parsing",
                &[name],
                "Input should be a valid boolean, unable to interpret input",
                Value::from(other),
            )])),
        }
    }

    /// Names separated by commas; none if there is no such parameter or it is empty.
    pub fn list(&self, name: &str) -> Option<Vec<&str>> {
        Some(self.filled(name)?.split(',').collect())
    }

    fn as_json(&self) -> Value {
        self.0
            .iter()
            .map(|(name, value)| (name.clone(), Value::from(value.clone())))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read_as_hma_reads_it() {
        let query = Query::parse("a=1&a=2&b=x+y%2C&c=&flag=YES");
        assert_eq!(query.get("a"), Some("1"));
        assert_eq!(query.get("b"), Some("x y,"));
        assert_eq!((query.get("c"), query.filled("c")), (Some(""), None));
        assert!(query.flag("flag").unwrap() && !query.flag("other").unwrap());
        assert!(matches!(query.flag("b"), Err(Refusal::Fields(errors)) if errors[0].kind == "bool_parsing"));
        let missing = query.required(["a", "x", "y"]);
        assert!(matches!(missing, Err(Refusal::Fields(errors)) if errors.len() == 2 && errors[0].loc == ["x"]));
    }
}
