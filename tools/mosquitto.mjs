// `mosquitto_pub`, the MQTT client that ThingsBoard's own guide uses: the tests publish with it, too.

import { onPath, outputOf, runQuietly } from "./engine/commands.mjs";
import { EngineError, withProgress } from "./engine/say.mjs";

const HOW = "Install it: `apt-get install mosquitto-clients` (Debian, Ubuntu), `dnf install mosquitto` (Fedora), `brew install mosquitto` (macOS).";

/** Sees to it that `mosquitto_pub` is on PATH; on Debian, as root, by installing it. */
export async function findMosquitto() {
    if (onPath("mosquitto_pub").length > 0) return;
    if (process.getuid?.() !== 0 || !outputOf("dpkg", ["--version"])) {
        throw new EngineError(`the tests need \`mosquitto_pub\`, and it is not on PATH. ${HOW}`);
    }
    const apt = (/** @type {string[]} */ ...args) => runQuietly("apt-get", ["-y", "-q", "-o", "DPkg::Lock::Timeout=300", ...args], {
        env: { DEBIAN_FRONTEND: "noninteractive" },
    });
    try {
        await withProgress("apt-get install mosquitto-clients", async () => {
            await apt("update");
            await apt("install", "--no-install-recommends", "mosquitto-clients");
        });
    } catch (error) {
        throw new EngineError(`the tests need \`mosquitto_pub\`, and it could not be installed. ${HOW}\n${error.message}`);
    }
}
