// `pulumi-thingsboard explain <device>`: why is it refused? The likeliest reason first, and what to do.
import type { Command } from "commander";
import { serverFrom } from "../serverFrom";
import { duration } from "../mqtt/wording";
import { printable } from "../printable";
import { type Facts, gather } from "./explain/facts";
import { type Reason, reasonsOf } from "./explain/reasons";
import { heldInState } from "./explain/state";
import { shownFacts } from "./explain/shown";
import { command, type JsonFlag, seconds } from "./frame/command";
import { readText } from "./frame/files";
import { type Paint, paintFor, printJson, progressOn } from "./frame/terminal";
import { aboutServer, configured, patienceOfCommands, type ServerFlags, settingsOf, withServer } from "./server/flags";

type Flags = ServerFlags & JsonFlag & { readonly cert?: string; readonly cafile?: string; readonly timeout: number };

export function explainCommand(): Command {
    const explain = command("explain", {
        summary: "why a device is refused: compares its certificate with what ThingsBoard holds, and says what to do",
        about: `It compares the certificate (--cert, or that of the device in the state of --stack) with the credential that ThingsBoard holds,
looks at dates by ThingsBoard's own clock, at revocation, device profile, last connection, whether another device has the same certificate,
and at the server certificate that the device meets. It connects to the MQTT port without the device's key, with a throw-away certificate
that ThingsBoard has to refuse, so nobody is disconnected; "pulumi-thingsboard publish" tries the key itself.

${aboutServer}`,
        examples: [
            ["pulumi-thingsboard explain pump-1", "what ThingsBoard holds for it, and what speaks against it"],
            ["pulumi-thingsboard explain pump-1 --cert cert.pem", "would this certificate be let in as pump-1?"],
            ["pulumi-thingsboard explain pump-1 --stack prod", "with the certificate that the stack has bound"],
        ],
        exitCodes: { 0: "nothing speaks against the device", 1: "there is a reason, or the device could not be looked at" },
    })
        .argument("<device>", "name or id of the device")
        .option("--cert <pem>", "the certificate that the device presents; under a chain profile with those above it")
        .option("--cafile <pem>", "what the device trusts, in the place of mqttCaPem")
        .option("--timeout <seconds>", "for one connection to the MQTT port", seconds, 10);
    return withServer(explain).action(run);
}

async function run(device: string, flags: Flags): Promise<void> {
    const progress = progressOn();
    const given = await configured(flags);
    const settings = settingsOf(given);
    const server = serverFrom(settings, text => progress.wait(text), patienceOfCommands);
    const state = given.resources && heldInState(given.resources);
    const certificateText = flags.cert === undefined ? undefined : readText(flags.cert, "--cert");
    progress.now(`asking ${settings.url} …`);
    const facts = await gather(device, server, { timeoutSeconds: flags.timeout, ...(certificateText === undefined ? {} : { certificateText }), ...(state === undefined ? {} : { state }), ...(flags.cafile === undefined ? {} : { cafile: flags.cafile }) });
    progress.done();
    const reasons = reasonsOf(facts);
    const refused = reasons.some(({ weight }) => weight !== "note");
    if (flags.json) printJson({ refused, reasons, facts: shownFacts(facts) });
    else console.log(told(facts, reasons.map(shown), settings.url, paintFor(process.stdout)));
    process.exitCode = refused ? 1 : 0;
}

function told(facts: Facts, reasons: readonly Reason[], url: string, paint: Paint): string {
    const refusals = reasons.filter(({ weight }) => weight !== "note");
    const [first, ...more] = refusals;
    const notes = reasons.filter(({ weight }) => weight === "note");
    const blocks = [
        facts.device ? `device "${printable(facts.device.name)}" (${facts.device.id.id}) on ${url}` : `no device ${printable(JSON.stringify(facts.asked))} on ${url}`,
        first ? `${paint("red", "likeliest reason")}  ${first.sentence}${first.remedy === undefined ? "" : `\n${paint("bold", "what to do")}        ${first.remedy}`}` : `${paint("green", "nothing speaks against it")}${lastSeen(facts)}`,
        ...more.map(({ sentence, remedy }) => `${paint("yellow", "also")}              ${sentence}${remedy === undefined ? "" : `\n${paint("bold", "what to do")}        ${remedy}`}`),
        ...(notes.length === 0 ? [] : [notes.map(({ sentence, remedy }) => `${paint("dim", "note")}              ${sentence}${remedy === undefined ? "" : `; ${remedy}`}`).join("\n")]),
        ...(facts.device ? [table(shownFacts(facts))] : []),
    ];
    return blocks.join("\n\n");
}

const shown = ({ sentence, remedy, ...rest }: Reason): Reason => ({ ...rest, sentence: printable(sentence), ...(remedy === undefined ? {} : { remedy: printable(remedy) }) });

const tried = '"pulumi-thingsboard publish" tries its key and certificate from here';

function lastSeen({ times, now }: Facts): string {
    if (times === "unread") return `, as far as it can be seen: when it was last connected could not be read; ${tried}`;
    const { lastConnect, lastDisconnect } = times;
    if (lastConnect === undefined) return `: it has never connected. See that it has key and certificate, and the right host and port; ${tried}`;
    if (lastConnect > (lastDisconnect ?? 0)) return `: it is connected, since ${duration(now - lastConnect)}`;
    return `: it was connected until ${duration(now - (lastDisconnect ?? now))} ago, and has not come back; ${tried}`;
}

const table = (facts: Readonly<Record<string, string>>): string =>
    Object.entries(facts)
        .map(([name, value]) => `${name.padEnd(16)}  ${printable(value)}`)
        .join("\n");

