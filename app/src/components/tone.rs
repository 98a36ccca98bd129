//! Tones: short notes of one audio context for the whole page. Browsers allow sound only after the reader has clicked or
//! pressed a key.
//!
//! Not here: when something sounds (`pages::live::print_sound`, `shell::alerts`).

/// State of the page's sound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SoundState {
    /// It can be heard.
    Ready,
    /// Not before the reader has clicked or pressed a key.
    #[default]
    Blocked,
    /// The browser has no sound.
    Unavailable,
}

#[cfg(feature = "browser")]
mod browser {
    use wasm_bindgen::JsValue;
    use web_sys::AudioContext;

    use super::SoundState;

    thread_local! {
        /// Browsers allow a few contexts for each page: one for all tones.
        static CONTEXT: Option<AudioContext> = AudioContext::new().ok();
    }

    /// Plays notes one after the other, in hertz; `loudness` is of 1. Without sound, or before the reader has clicked
    /// anywhere, nothing happens.
    pub fn play(notes: &[f32], loudness: f32) {
        let _silent = CONTEXT.with(|context| {
            let context = context.as_ref()?;
            let _resumed = context.resume().ok()?;
            let begin = context.current_time();
            let start = |(at, hertz): (u32, &f32)| note(context, *hertz, loudness, begin + f64::from(at) * LENGTH_S);
            (0..).zip(notes).try_for_each(start).ok()
        });
    }

    fn note(context: &AudioContext, hertz: f32, loudness: f32, begin: f64) -> Result<(), JsValue> {
        let (tone, gain) = (context.create_oscillator()?, context.create_gain()?);
        tone.frequency().set_value(hertz);
        gain.gain().set_value_at_time(loudness, begin)?;
        // Fades out: an abrupt end clicks.
        gain.gain().linear_ramp_to_value_at_time(0.0, begin + LENGTH_S)?;
        tone.connect_with_audio_node(&gain)?;
        gain.connect_with_audio_node(&context.destination())?;
        tone.start_with_when(begin)?;
        tone.stop_with_when(begin + LENGTH_S)
    }

    /// Returns whether the page can sound now.
    pub fn sound_state() -> SoundState {
        CONTEXT.with(|context| match context {
            None => SoundState::Unavailable,
            Some(context) => {
                let state = js_sys::Reflect::get(context, &"state".into()).ok().and_then(|state| state.as_string());
                if state.as_deref() == Some("running") { SoundState::Ready } else { SoundState::Blocked }
            }
        })
    }

    /// Asks the browser for sound: call it on a click or a key. `then` is called with what came of it.
    pub fn enable_sound(then: impl Fn(SoundState) + 'static) {
        let resumed = CONTEXT.with(|context| context.as_ref().and_then(|context| context.resume().ok()));
        leptos::task::spawn_local(async move {
            if let Some(resumed) = resumed {
                let _refused = wasm_bindgen_futures::JsFuture::from(resumed).await;
            }
            then(sound_state());
        });
    }

    /// Of one note, in seconds.
    const LENGTH_S: f64 = 0.12;
}

#[cfg(not(feature = "browser"))]
mod browser {
    use super::SoundState;

    /// Plays nothing: the server has no sound.
    pub fn play(_: &[f32], _: f32) {}

    /// The server has no sound.
    pub fn sound_state() -> SoundState {
        SoundState::Unavailable
    }

    /// The server has no sound.
    pub fn enable_sound(_: impl Fn(SoundState) + 'static) {}
}

pub use self::browser::{enable_sound, play, sound_state};
