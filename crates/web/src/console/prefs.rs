//! How a person wants the console to look: kept in one cookie of their browser, readable before they sign in.
//!
//! Start with [`Prefs`]. Unknown or damaged values are as if nothing had been chosen.

use moderation::model::Zone;

use super::words::Lang;

/// Light, dark, or as the system wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// As the browser says.
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// All of them, as they are listed to people.
    pub const ALL: [Theme; 3] = [Theme::System, Theme::Light, Theme::Dark];

    /// The word for it in the cookie and in the page.
    pub const fn as_str(self) -> &'static str {
        match self {
            Theme::System => "system",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    /// The key of its name in the message files.
    pub const fn key(self) -> &'static str {
        match self {
            Theme::System => "profile.theme_system",
            Theme::Light => "profile.theme_light",
            Theme::Dark => "profile.theme_dark",
        }
    }

    /// What the page tells the browser, so that its first paint has the right colour.
    pub const fn color_scheme(self) -> &'static str {
        match self {
            Theme::System => "light dark",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }
}

/// What a person chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefs {
    /// The language; none follows the browser.
    pub lang: Option<Lang>,
    /// The colours.
    pub theme: Theme,
    /// Whether single keys do something.
    pub keys: bool,
    /// Whether revealed pictures are shown without colour.
    pub greyscale: bool,
    /// The time zone; none is that of the platform.
    pub zone: Option<Zone>,
}

impl Default for Prefs {
    fn default() -> Self {
        Self {
            lang: None,
            theme: Theme::System,
            keys: true,
            greyscale: true,
            zone: None,
        }
    }
}

impl Prefs {
    /// What stands in the cookie for the platform's own time zone.
    pub const ZONE_OF_PLATFORM: &str = "default";

    /// Reads the cookie's value.
    pub fn parse(text: &str) -> Self {
        let mut prefs = Self::default();
        for pair in text.split('&') {
            if let Some((name, value)) = pair.split_once('=') {
                prefs.set(name, value);
            }
        }
        prefs
    }

    /// Changes what `name` names, if both words are known.
    pub fn set(&mut self, name: &str, value: &str) {
        match (name, value) {
            ("lang", code) => self.lang = Lang::from_code(code).or(self.lang),
            ("theme", word) => {
                self.theme = Theme::ALL
                    .into_iter()
                    .find(|theme| theme.as_str() == word)
                    .unwrap_or(self.theme);
            }
            ("keys", "on") => self.keys = true,
            ("keys", "off") => self.keys = false,
            ("pictures", "grey") => self.greyscale = true,
            ("pictures", "colour") => self.greyscale = false,
            ("zone", Self::ZONE_OF_PLATFORM) => self.zone = None,
            ("zone", name) => self.zone = Zone::named(name).or(self.zone),
            _ => {}
        }
    }

    /// The cookie's value.
    pub fn to_cookie(self) -> String {
        let keys = if self.keys { "on" } else { "off" };
        let pictures = if self.greyscale { "grey" } else { "colour" };
        let lang = self.lang.map_or("", Lang::code);
        format!(
            "lang={lang}&theme={}&keys={keys}&pictures={pictures}&zone={}",
            self.theme.as_str(),
            self.zone.map_or(Self::ZONE_OF_PLATFORM, Zone::name)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_survives_the_cookie() {
        let prefs = Prefs {
            lang: Some(Lang::Ar),
            theme: Theme::Dark,
            keys: false,
            greyscale: false,
            zone: Zone::named("Asia/Kathmandu"),
        };
        assert_eq!(Prefs::parse(&prefs.to_cookie()), prefs);
        assert_eq!(Prefs::parse(&Prefs::default().to_cookie()), Prefs::default());
    }

    #[test]
    fn nonsense_changes_nothing() {
        assert_eq!(
            Prefs::parse("theme=<script>&lang=xx&keys=&&=&pictures&zone=Mars/Olympus&zone=../etc"),
            Prefs::default()
        );
    }
}
