// `java` and `keytool`: the tests open the PKCS#12 of a bundle with them, and publish with the example's Java program.

import { onPath, outputOf, runQuietly } from "./engine/commands.mjs";
import { EngineError, withProgress } from "./engine/say.mjs";

const HOW = "Install a JDK (17 or newer): `apt-get install default-jdk-headless` (Debian, Ubuntu), `dnf install java-21-openjdk-devel` (Fedora), `brew install openjdk` (macOS).";

/** Sees to it that `java` and `keytool` are on PATH; on Debian, as root, by installing them. */
export async function findJava() {
    if (onPath("java").length > 0 && onPath("keytool").length > 0) return;
    if (process.getuid?.() !== 0 || !outputOf("dpkg", ["--version"])) {
        throw new EngineError(`the tests need \`java\` and \`keytool\`, and they are not on PATH. ${HOW}`);
    }
    const apt = (/** @type {string[]} */ ...args) => runQuietly("apt-get", ["-y", "-q", "-o", "DPkg::Lock::Timeout=300", ...args], {
        env: { DEBIAN_FRONTEND: "noninteractive" },
    });
    try {
        await withProgress("apt-get install default-jdk-headless", async () => {
            await apt("update");
            await apt("install", "--no-install-recommends", "default-jdk-headless");
        });
    } catch (error) {
        throw new EngineError(`the tests need \`java\` and \`keytool\`, and they could not be installed. ${HOW}\n${error.message}`);
    }
}
