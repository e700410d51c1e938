// `pulumi-thingsboard publish`: the check by hand, with the device's own certificate and key, told stage by stage.
import { type Command, InvalidArgumentError, Option } from "commander";
import { printable } from "../printable";
import { serverFrom } from "../serverFrom";
import { command, type JsonFlag, seconds } from "./frame/command";
import { caFile, othersMayRead, readText } from "./frame/files";
import { paintFor, printJson, progressOn } from "./frame/terminal";
import { UsageError } from "./frame/usage";
import { privateKey } from "./publish/privateKey";
import { publishAs, type PublishWish } from "./publish/run";
import { stageLine, stagesOf } from "./publish/stages";
import { aboutServer, configured, patienceOfCommands, type ServerFlags, settingsOf, withServer } from "./server/flags";

interface Flags extends ServerFlags, JsonFlag {
    readonly cert: string;
    readonly key: string;
    readonly cafile?: string;
    readonly host?: string;
    readonly port?: number;
    readonly message?: string;
    readonly topic?: string;
    readonly qos: string;
    readonly device?: string;
    readonly connectOnly?: boolean;
    readonly mqttVersion: "auto" | "3.1.1" | "5";
    readonly timeout: number;
}

export function publishCommand(): Command {
    const publish = command("publish", {
        summary: "publishes once as a device, with its certificate and key, and says at which stage it fails and why",
        about: `The names of the options are those of mosquitto_pub. QoS is 1: a message that is not acknowledged proves nothing.
The device's own session, if it has one, is closed by ThingsBoard, which keeps one for each device.

A key under a passphrase: it is asked for on a terminal, or taken from THINGSBOARD_KEY_PASSPHRASE. It is never an argument.

With ThingsBoard's address and a log-in it also says whether the message was stored, which device it went to, and why it was refused:
${aboutServer}`,
        examples: [
            ["pulumi-thingsboard publish --cert cert.pem --key key.pem -h thingsboard.example.com", "is this pair let in, and acknowledged?"],
            ["pulumi-thingsboard publish --cert cert.pem --key key.pem --cafile tb-server-chain.pem -h 10.0.0.5 -m '{\"temperature\":25}'", "a server with a private authority, and a value of your own"],
            ["pulumi-thingsboard publish --cert cert.pem --key key.pem --stack prod", "host, port and authority from a stack; tells whether it was stored"],
            ["pulumi-thingsboard publish --cert cert.pem --key key.pem --connect-only", "leaves after CONNACK"],
        ],
        exitCodes: { 0: "accepted, and stored where that could be looked at", 1: "refused, or acknowledged and not stored; the reason is said" },
    })
        // mosquitto_pub's -h is the host.
        .helpOption("--help", "shows this")
        .requiredOption("--cert <pem>", "the device's certificate; under a chain profile with those above it")
        .requiredOption("--key <pem>", "its private key")
        .option("--cafile <pem>", "whom to trust; without it the settings' mqttCaPem, or the public authorities")
        .option("-h, --host <name>", "where devices connect; without it the settings' mqttHost")
        .option("-p, --port <number>", "port of MQTT over TLS (without it the settings' mqttPort, or 8883)", port)
        .option("-m, --message <json>", "what to publish; without it a marker, which is removed again where REST can be asked")
        .option("-t, --topic <topic>", "where to publish; without it the profile's own topic, or v1/devices/me/telemetry")
        .addOption(new Option("-q, --qos <number>", "only 1").choices(["1"]).default("1"))
        .option("--device <name>", "name or id of the device that the certificate is for; without it the certificate's common name")
        .option("--connect-only", "publishes nothing")
        .addOption(new Option("-V, --mqtt-version <version>", "of MQTT").choices(["auto", "3.1.1", "5"]).default("auto"))
        .option("--timeout <seconds>", "for one connection", seconds, 15);
    return withServer(publish).action(run);
}

async function run(flags: Flags): Promise<void> {
    if (flags.connectOnly && (flags.message !== undefined || flags.topic !== undefined)) throw new UsageError("--connect-only publishes nothing: leave out --message and --topic.");
    const certificatePem = readText(flags.cert, "--cert");
    const keyText = readText(flags.key, "--key");
    const warnings = flags.key !== "-" && othersMayRead(flags.key) ? [`others than you may read the key file ${flags.key}: chmod 600 it`] : [];
    const privateKeyPem = await privateKey(keyText, flags.key, process.env);
    const given = await configured(flags);
    // ThingsBoard's REST side is welcome, and not needed.
    const settings = flags.stack !== undefined || process.env["THINGSBOARD_URL"] ? settingsOf(given) : undefined;
    const host = flags.host ?? settings?.mqttHost;
    if (host === undefined) throw new UsageError("Where to? Give the host with -h, or ThingsBoard's address in THINGSBOARD_URL, or a stack with --stack.");
    const caPem = flags.cafile === undefined ? settings?.mqttCaPem : caFile(flags.cafile);
    const wish: PublishWish = {
        mqtt: { host, port: flags.port ?? settings?.mqttPort ?? 8883, ...(caPem === undefined ? {} : { caPem }) },
        certificatePem,
        privateKeyPem,
        mode: flags.connectOnly ? "connect" : "publish",
        ...(flags.message === undefined ? {} : { message: flags.message }),
        ...(flags.topic === undefined ? {} : { topic: flags.topic }),
        ...(flags.device === undefined ? {} : { device: flags.device }),
        mqttVersion: flags.mqttVersion,
        timeout: flags.timeout,
    };
    const progress = progressOn();
    const paint = paintFor(process.stdout);
    const stages = stagesOf(wish.mode, settings !== undefined, {
        done: stage => flags.json || progress.say(stageLine(stage, paint)),
        waiting: name => progress.now(`${name} …`),
    });
    const result = await publishAs(wish, settings && serverFrom(settings, text => progress.wait(text), patienceOfCommands), stages);
    progress.done();
    const all = [...warnings, ...result.warnings];
    if (flags.json) printJson({ ...result, warnings: all, stages: stages.list() });
    else {
        console.log(`\n${paint(result.accepted ? "green" : "red", result.accepted ? "accepted" : "refused")}: ${printable(result.message)}`);
    }
    for (const warning of all) console.error(`warning: ${printable(warning)}`);
    process.exitCode = result.accepted ? 0 : 1;
}

function port(text: string): number {
    const number = Number(text);
    if (!/^\d+$/.test(text) || number < 1 || number > 65535) throw new InvalidArgumentError("It must be a number from 1 to 65535.");
    return number;
}
