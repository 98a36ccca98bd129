//! The HTML document around the application; rendered by the server only.

use leptos::{nonce::use_nonce, prelude::*};
use leptos_meta::MetaTags;
use model::access::Role;
use serde::Deserialize;

use crate::{pages::PAGES, root::App, route::Address};

/// The files of one build of the page, as `cargo xtask build` lists them in `site.json`. Addresses are relative to the
/// page, so that it works below any path.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Build {
    /// Identifies the build: other files, another id.
    pub id: String,
    /// The style sheet of the first view.
    pub style: String,
    /// The one of the lazily loaded code.
    pub later_style: String,
    /// The script of the program.
    pub script: String,
    /// The program.
    pub program: String,
    /// The folder of the program of the page's workers, below `assets`.
    pub worker: String,
}

impl Default for Build {
    fn default() -> Self {
        let [style, script, program] = ["css", "js", "wasm"].map(|kind| format!("assets/unbuilt/truetape.{kind}"));
        let (later_style, worker) = ("assets/unbuilt/later.css".to_owned(), "unbuilt".to_owned());
        Self { id: "unbuilt".to_owned(), style, later_style, script, program, worker }
    }
}

/// Whoever the page is shown to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    /// The user; empty where nobody has to log in.
    pub user: String,
    /// The rights.
    pub role: Role,
}

/// The document. The server passes the build, the reader, the desk's default account, whether pages reload when they meet a new
/// server, as developers of this program want, and whether browsers may keep the page's files.
///
/// All addresses are relative to the document's own, which is therefore the base of everything that the page requests:
/// pages are one segment long, and moving between them does not change the base.
pub fn shell(
    build: &Build,
    is_reloading: bool,
    account: String,
    is_kept: bool,
    reader: &Reader,
) -> impl IntoView + use<> {
    let (user, role) = (reader.user.clone(), reader.role.as_str());
    let Build { id, style, later_style, script, program, worker } = build.clone();
    // The server renders the other pages at once; this one's program loads the sheet with its later code.
    let is_first_page = use_context::<Address>().unwrap_or_default().path() == PAGES[0].path;
    let other_style = (!is_first_page).then(|| later_style.clone());
    let start = format!(
        "import(\"./{script}\").then(page=>page.default({{module_or_path:\"./{program}\"}}).then(()=>page.hydrate()))"
    );
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme="dark" data-updown="green-red" data-flashing="on" data-reload=is_reloading.then_some("on") data-account=account data-user=user data-role=role data-build=id data-later-style=later_style data-worker=worker data-offline=(!is_kept).then_some("off")>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover"/>
                <meta name="color-scheme" content="dark light"/>
                <meta name="description" content="Real-time market dashboard that says what it knows and how old it is"/>
                <meta name="theme-color" content="#0b0f13"/>
                <script nonce=use_nonce() inner_html=BEFORE_PAINT></script>
                <link rel="stylesheet" href=style/>
                {other_style.map(|style| view! { <link rel="stylesheet" href=style/> })}
                <link rel="icon" type="image/svg+xml" href="favicon.svg"/>
                <link rel="apple-touch-icon" href="icon-192.png"/>
                <link rel="manifest" href="manifest.webmanifest"/>
                <link rel="modulepreload" href=script crossorigin="anonymous"/>
                <link rel="preload" href=program r#as="fetch" r#type="application/wasm" crossorigin="anonymous"/>
                <script type="module" nonce=use_nonce() inner_html=start></script>
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

/// Sets the stored theme and colours before the first paint, so that nothing flickers. Reads the text written by
/// `Settings::to_text`. If the program does not start, `data-failed` makes the style sheet say so; a start removes that
/// by `data-started`.
pub(crate) const BEFORE_PAINT: &str = r#"(function(d,s){try{(localStorage.getItem("truetape.settings")||"").split(";").forEach(function(p){var i=p.indexOf("=");if(i>0)s[p.slice(0,i)]=p.slice(i+1)})}catch(e){}
var light=s.theme==="light"||(s.theme!=="dark"&&matchMedia("(prefers-color-scheme: light)").matches);
d.theme=light?"light":"dark";if(s.updown)d.updown=s.updown;if(s.flash)d.flashing=s.flash;
function fail(){d.failed="on"}if(!self.WebAssembly)fail();addEventListener("unhandledrejection",fail);setTimeout(fail,20000)})(document.documentElement.dataset,{})"#;

#[cfg(test)]
mod tests {
    use crate::settings::{STORAGE_KEY, Settings};

    use super::*;

    /// The script reads names that the settings write; renaming one would cause flicker at every start.
    #[test]
    fn the_script_reads_what_the_settings_write() {
        assert!(BEFORE_PAINT.contains(STORAGE_KEY));
        let text = Settings::default().to_text();
        for key in ["theme", "updown", "flash"] {
            assert!(text.contains(&format!("{key}=")), "{key}");
            assert!(BEFORE_PAINT.contains(&format!("s.{key}")), "{key}");
        }
        assert!(!BEFORE_PAINT.contains("</"), "would end the script element");
    }

    #[cfg(feature = "ssr")]
    #[test]
    fn only_the_first_page_waits_for_its_program_with_the_later_styles() {
        #[track_caller]
        fn check(address: &str, expected: &[&str]) {
            let html = Owner::new().with(|| {
                provide_context(Address(address.to_owned()));
                let reader = Reader { user: String::new(), role: Role::Viewer };
                shell(&Build::default(), false, "paper".to_owned(), true, &reader).to_html()
            });
            let links = html.split("<link rel=\"stylesheet\" href=\"assets/unbuilt/").skip(1);
            let sheets: Vec<&str> = links.filter_map(|rest| rest.split('"').next()).collect();
            assert_eq!(sheets, expected, "{address}");
            assert!(html.contains("data-later-style=\"assets/unbuilt/later.css\""));
        }
        check("/?symbol=demo:AAABBB", &["truetape.css"]);
        check("/markets", &["truetape.css", "later.css"]);
        check("/alerts/?rule=1", &["truetape.css", "later.css"]);
        check("/nothing-here", &["truetape.css", "later.css"]);
    }
}
