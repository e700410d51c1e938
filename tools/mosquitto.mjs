// `mosquitto_pub`, the MQTT client that ThingsBoard's own guide uses: the tests publish with it, too.

import { need } from "./debian.mjs";

export const findMosquitto = () => need({
    commands: ["mosquitto_pub"],
    debianPackage: "mosquitto-clients",
    how: "Install it: `apt-get install mosquitto-clients` (Debian, Ubuntu), `dnf install mosquitto` (Fedora), `brew install mosquitto` (macOS).",
});
