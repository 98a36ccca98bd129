//! The HTML document around the application; rendered by the server only.

use leptos::prelude::*;
use leptos_meta::MetaTags;

use crate::root::App;

/// The document. The server passes the build's options, the desk's default account, and whether pages reload when they meet a new server, as
/// developers of this program want.
pub fn shell(options: LeptosOptions, is_reloading: bool, account: String) -> impl IntoView {
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme="dark" data-updown="green-red" data-flashing="on" data-reload=is_reloading.then_some("on") data-account=account>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover"/>
                <meta name="color-scheme" content="dark light"/>
                <meta name="description" content="Real-time market dashboard that says what it knows and how old it is"/>
                <meta name="theme-color" content="#0b0f13"/>
                <script nonce=use_nonce() inner_html=BEFORE_PAINT></script>
                <link rel="stylesheet" href=format!("/pkg/{}.css", options.output_name)/>
                <link rel="icon" type="image/svg+xml" href="/favicon.svg"/>
                <link rel="apple-touch-icon" href="/icon-192.png"/>
                <link rel="manifest" href="/manifest.webmanifest"/>
                <HydrationScripts options/>
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
const BEFORE_PAINT: &str = r#"(function(d,s){try{(localStorage.getItem("truetape.settings")||"").split(";").forEach(function(p){var i=p.indexOf("=");if(i>0)s[p.slice(0,i)]=p.slice(i+1)})}catch(e){}
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
}
