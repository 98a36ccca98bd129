//! The root component: provides the contexts of all components, and shows the frame with the page in it.

use leptos::prelude::*;
use leptos_meta::provide_meta_context;

use crate::{
    components::status_light::provide_popover_requests,
    lazy::provide_lazy,
    live::{provide_live, recorder::provide_recorder},
    pages::is_page,
    parts::PARTS,
    route::provide_route,
    shell::{Frame, alert_line::provide_troubles, provide_settings},
};

/// The whole application; the server renders it, and the browser builds it again.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    provide_route(is_page);
    provide_settings();
    let live = provide_live();
    provide_lazy(PARTS);
    provide_recorder(live);
    provide_troubles();
    provide_popover_requests();
    view! { <Frame/> }
}
