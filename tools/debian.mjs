// Commands of others that the tests use: on Debian, as root, they are installed where they are missing.

import { onPath, outputOf, runQuietly } from "./engine/commands.mjs";
import { EngineError, withProgress } from "./engine/say.mjs";

/**
 * @param {object} wanted
 * @param {readonly string[]} wanted.commands
 * @param {"all" | "any"} [wanted.needed] "any": one of them is enough
 * @param {string} wanted.debianPackage
 * @param {string} wanted.how to install it elsewhere, as a sentence
 */
export async function need({ commands, needed = "all", debianPackage, how }) {
    const missing = commands.filter((command) => onPath(command).length === 0);
    if (missing.length === 0 || (needed === "any" && missing.length < commands.length)) return;
    const what = commands.map((command) => `\`${command}\``).join(needed === "all" ? " and " : " or ");
    const verb = commands.length === 1 || needed === "any" ? "it is" : "they are";
    if (process.getuid?.() !== 0 || !outputOf("dpkg", ["--version"])) throw new EngineError(`the tests need ${what}, and ${verb} not on PATH. ${how}`);
    const apt = (/** @type {string[]} */ ...args) => runQuietly("apt-get", ["-y", "-q", "-o", "DPkg::Lock::Timeout=300", ...args], {
        env: { DEBIAN_FRONTEND: "noninteractive" },
    });
    try {
        await withProgress(`apt-get install ${debianPackage}`, async () => {
            await apt("update");
            await apt("install", "--no-install-recommends", debianPackage);
        });
    } catch (error) {
        throw new EngineError(`the tests need ${what}, which could not be installed. ${how}\n${error.message}`);
    }
}
