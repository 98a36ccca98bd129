//! The fields of the commands of alerts and of their results, the same for the stream, for REST and for the page.

use serde::{Deserialize, Serialize};

use crate::{
    alert::{
        channel::{Channel, ChannelId, ChannelRow, ChannelTest},
        delivery::Delivery,
        rule::{AlertRow, AlertRule, RuleRow},
        rule_id::RuleId,
        settings::{AlertSettings, Muted, QuietHours},
        signal::SignalRule,
    },
    time::Timestamp,
};

/// Creates a rule, or changes the one of this name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SaveAlert {
    /// The rule; its version is given by the server.
    pub rule: AlertRule,
}

/// Creates a signal rule, or changes the one of this name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SaveSignal {
    /// The rule; its version is given by the server.
    pub rule: SignalRule,
}

/// Names a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OneRule {
    /// Its name.
    pub rule_id: RuleId,
}

/// Lets a rule say nothing for a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SnoozeAlert {
    /// The rule.
    pub rule_id: RuleId,
    /// End of the snooze.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Or its length, in minutes; zero ends a snooze.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<u32>,
}

/// Copies a rule; the copy is paused, since it would be the same rule twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CloneAlert {
    /// The rule.
    pub rule_id: RuleId,
    /// Name of the copy in commands, not used before.
    pub new_rule_id: RuleId,
}

/// Acknowledges alerts, for everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AcknowledgeAlerts {
    /// These.
    #[serde(default)]
    pub notice_ids: Vec<u64>,
    /// And all up to this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_to: Option<u64>,
}

/// Tries a rule on history, without saving it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CheckAlert {
    /// The rule.
    pub rule: AlertRule,
    /// Hours of history.
    #[serde(default = "a_day")]
    pub hours: u32,
}

fn a_day() -> u32 {
    24
}

/// Creates a channel, or changes the one of this name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SaveChannel {
    /// The channel.
    pub channel: Channel,
}

/// Names a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OneChannel {
    /// Its name.
    pub channel_id: ChannelId,
}

/// Has a delivery that was given up sent again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ResendDelivery {
    /// The alert.
    pub notice_id: u64,
    /// The channel.
    pub channel_id: ChannelId,
}

/// Sets the quiet hours.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SetQuietHours {
    /// Absent: there are none.
    #[serde(default)]
    pub quiet_hours: Option<QuietHours>,
}

/// Unmutes all alerts. Without fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct UnmuteAlerts {}

/// Makes [`AlertCommand`] and its list of names.
macro_rules! commands {
    ($($(#[$meta:meta])* $name:literal: $variant:ident($fields:ty),)*) => {
        /// A command: in JSON an object with one member, named after the command.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub enum AlertCommand {
            $($(#[$meta])* #[serde(rename = $name)] $variant($fields),)*
        }

        impl AlertCommand {
            /// The names of all commands.
            pub const NAMES: [&str; [$($name),*].len()] = [$($name),*];

            /// Returns its name.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $name,)*
                }
            }
        }
    };
}

commands! {
    /// Creates or changes a rule.
    "save_alert": SaveAlert(Box<SaveAlert>),
    /// Deletes one; its alerts stay.
    "delete_alert": DeleteAlert(OneRule),
    /// Pauses one.
    "pause_alert": PauseAlert(OneRule),
    /// Lets a paused, snoozed or finished one go on; it begins without a past.
    "resume_alert": ResumeAlert(OneRule),
    /// Lets one say nothing for a time.
    "snooze_alert": SnoozeAlert(SnoozeAlert),
    /// Copies one.
    "clone_alert": CloneAlert(CloneAlert),
    /// Acknowledges alerts.
    "acknowledge_alerts": AcknowledgeAlerts(AcknowledgeAlerts),
    /// Tries a rule on history.
    "check_alert": CheckAlert(Box<CheckAlert>),
    /// Creates or changes a signal rule.
    "save_signal": SaveSignal(Box<SaveSignal>),
    /// Deletes one; its signals stay.
    "delete_signal": DeleteSignal(OneRule),
    /// Pauses one.
    "pause_signal": PauseSignal(OneRule),
    /// Lets a paused one go on.
    "resume_signal": ResumeSignal(OneRule),
    /// Creates or changes a channel.
    "save_channel": SaveChannel(Box<SaveChannel>),
    /// Deletes a channel.
    "delete_channel": DeleteChannel(OneChannel),
    /// Sends a test to a channel.
    "test_channel": TestChannel(OneChannel),
    /// Sends a delivery again.
    "resend_delivery": ResendDelivery(ResendDelivery),
    /// Sets the quiet hours.
    "set_quiet_hours": SetQuietHours(SetQuietHours),
    /// Mutes all alerts.
    "mute_alerts": MuteAlerts(Muted),
    /// Unmutes them.
    "unmute_alerts": UnmuteAlerts(UnmuteAlerts),
}

impl AlertCommand {
    /// The commands that have the server contact others, or change when it does.
    pub const CHANNEL_NAMES: [&str; 5] =
        ["save_channel", "delete_channel", "test_channel", "resend_delivery", "set_quiet_hours"];
}

/// The answer to a command that was carried out.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum AlertReply {
    /// The rule, as it is now.
    Rule(Box<RuleReply>),
    /// The name of what was deleted.
    Deleted(Deleted),
    /// The alerts that were acknowledged.
    Alerts(Vec<AlertRow>),
    /// Report of the dry run.
    Check(Box<CheckReport>),
    /// The settings, as they are now.
    Settings(AlertSettings),
    /// The signal rule, as it is now.
    Signal(Box<SignalRule>),
    /// The channel, as it is now.
    Channel(Box<ChannelRow>),
    /// Answer of the other server to a test.
    Test(ChannelTest),
    /// The delivery, as it is now.
    Delivery(Box<Delivery>),
}

/// A rule that was saved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RuleReply {
    /// The rule.
    #[serde(flatten)]
    pub row: RuleRow,
    /// Warnings for its owner (`the price is already above 62,000.00`).
    pub warnings: Vec<String>,
}

/// The name of what was deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Deleted {
    /// The name.
    pub deleted: String,
}

/// Report of a rule's dry run over history.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CheckReport {
    /// Hours of history that there were, of those asked for.
    pub hours: f64,
    /// Number of times it would have fired.
    pub n_fires: u64,
    /// The newest of them, oldest first.
    pub fires: Vec<CheckFire>,
    /// Accuracy of the report, in words.
    pub note: String,
}

/// Once that a rule would have fired.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CheckFire {
    /// The time.
    pub time: Timestamp,
    /// The value that would have fired.
    pub value: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_objects_with_one_member() {
        let text = r#"{"snooze_alert":{"rule_id":"btc-62k","minutes":15}}"#;
        let command: AlertCommand = serde_json::from_str(text).unwrap();
        assert_eq!(command.name(), "snooze_alert");
        assert_eq!(serde_json::to_string(&command).unwrap(), text);
        for name in AlertCommand::NAMES {
            let error = serde_json::from_str::<AlertCommand>(&format!(r#"{{"{name}":1}}"#)).unwrap_err();
            assert!(!error.to_string().contains("unknown variant"), "{name}: {error}");
        }
        let rule = r#"{"rule_id":"a","name":"A","conditions":[{"kind":"price_crosses","direction":"up","level":"1"}]}"#;
        let text = format!(r#"{{"save_alert":{{"rule":{rule}}}}}"#);
        let AlertCommand::SaveAlert(save) = serde_json::from_str(&text).unwrap() else { panic!("another command") };
        assert_eq!((save.rule.version, save.rule.conditions.len()), (0, 1));
        let strange = text.replace("\"name\"", "\"colour\"");
        assert!(
            serde_json::from_str::<AlertCommand>(&strange).unwrap_err().to_string().contains("unknown field `colour`")
        );
    }
}
