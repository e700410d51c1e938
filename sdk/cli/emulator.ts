// `pulumi-thingsboard emulator`: a ThingsBoard for tests, until it is stopped.
import { type Command, InvalidArgumentError, Option } from "commander";
import type { Emulator, EmulatorOptions, ThingsBoardEdition, ThingsBoardVersion } from "../emulator";
import { EDITIONS, VERSIONS } from "../emulator/platform/platform";
import { UserError } from "../userError";
import { command } from "./frame/command";

interface Flags {
    readonly restPort: number;
    readonly mqttsPort: number;
    readonly mqttPort: number;
    readonly adminPort: number;
    readonly dir?: string;
    readonly json?: boolean;
    readonly thingsboard: ThingsBoardVersion;
    readonly edition: ThingsBoardEdition;
    readonly pace: "unlimited" | "real";
}

export function emulatorCommand(): Command {
    return command("emulator", {
        summary: "runs ThingsBoard's REST and MQTT in one process, on this machine only, until it is stopped",
        about: `For tests: of a program, of a device's firmware, of what happens when things go wrong. Its passwords are known to everybody.
Its first line with --json: restUrl, mqttsHost, mqttsPort, mqttPort, caFile, username, password, apiKey, adminUrl, adminToken.`,
        examples: [
            ["pulumi-thingsboard emulator", "says where everything is, and what to export for a Pulumi program"],
            ["pulumi-thingsboard emulator --json > where.json &", "for a pipeline"],
            ["pulumi-thingsboard emulator --dir .thingsboard --thingsboard 3.8 --edition PE", "keeps its data, and is an older Professional Edition"],
        ],
        exitCodes: { 0: "it was stopped (Ctrl-C, SIGTERM)", 1: "it could not start" },
    })
        .option("--rest-port <port>", "port of REST; 0 is any free one", port, 0)
        .option("--mqtts-port <port>", "port of MQTT over TLS; 0 is any free one", port, 0)
        .option("--mqtt-port <port>", "port of plain MQTT; 0 is any free one", port, 0)
        .option("--admin-port <port>", "port for faults and pace; 0 is any free one", port, 0)
        .option("--dir <folder>", "keeps data, keys and certificates there over a restart")
        .addOption(new Option("--thingsboard <version>", "which ThingsBoard to be").choices(VERSIONS).default("4.3"))
        .addOption(new Option("--edition <edition>", "which edition to be").choices(EDITIONS).default("CE"))
        .addOption(new Option("--pace <pace>", "how fast to be: as fast as it can, or as a real server").choices(["unlimited", "real"]).default("unlimited"))
        .action(run);
}

async function run(flags: Flags): Promise<void> {
    const emulator = await start(flags);
    console.log(flags.json ? JSON.stringify(whereabouts(emulator)) : told(emulator, flags));
    await new Promise<void>((stopped) => {
        for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void emulator.stop().then(stopped));
    });
}

const OPTION_OF = [
    ["restPort", "--rest-port"],
    ["mqttsPort", "--mqtts-port"],
    ["mqttPort", "--mqtt-port"],
    ["adminPort", "--admin-port"],
] as const;

async function start(flags: Flags): Promise<Emulator> {
    const { restPort, mqttsPort, mqttPort, adminPort, dir, thingsboard, edition, pace } = flags;
    const options: EmulatorOptions = { restPort, mqttsPort, mqttPort, adminPort, version: thingsboard, edition, ...(dir !== undefined ? { dir } : {}), ...(pace === "real" ? { pace } : {}) };
    const { startEmulator } = await import("../emulator/index.js"); // not before it is needed: other commands start faster
    try {
        return await startEmulator(options);
    } catch (error) {
        const { code, port: taken } = error as NodeJS.ErrnoException & { port?: number };
        if (code !== "EADDRINUSE" && code !== "EACCES") throw error;
        const option = OPTION_OF.find(([name]) => flags[name] === taken)?.[1] ?? "the option of this port";
        throw new UserError(`Port ${taken} ${code === "EACCES" ? "may not be opened by this user" : "is in use"}. Choose another with ${option}, or 0 for any free one.`);
    }
}

const whereabouts = (emulator: Emulator): Record<string, string | number> => ({
    restUrl: emulator.restUrl,
    mqttsHost: emulator.mqttsHost,
    mqttsPort: emulator.mqttsPort,
    mqttPort: emulator.mqttPort,
    caFile: emulator.caFile,
    username: emulator.username,
    password: emulator.password,
    apiKey: emulator.apiKey,
    adminUrl: emulator.adminUrl,
    adminToken: emulator.adminToken,
});

const told = (emulator: Emulator, flags: Flags): string => `ThingsBoard ${flags.thingsboard} ${flags.edition}, emulated, for tests on this machine

  REST            ${emulator.restUrl}
  MQTT over TLS   ${emulator.mqttsHost}:${emulator.mqttsPort}, CA in ${emulator.caFile}
  MQTT            ${emulator.mqttsHost}:${emulator.mqttPort}
  user            ${emulator.username}, password ${emulator.password}
  API key         ${emulator.apiKey || "none before ThingsBoard 4.3"}
  faults, pace    ${emulator.adminUrl}, Authorization: Bearer ${emulator.adminToken}

For a Pulumi program:

  export THINGSBOARD_URL=${emulator.restUrl}
  export ${emulator.apiKey ? `THINGSBOARD_API_KEY=${emulator.apiKey}` : `THINGSBOARD_USERNAME=${emulator.username} THINGSBOARD_PASSWORD=${emulator.password}`}
  export THINGSBOARD_MQTT_HOST=${emulator.mqttsHost} THINGSBOARD_MQTT_PORT=${emulator.mqttsPort} THINGSBOARD_MQTT_CA_PEM="$(cat '${emulator.caFile}')"

${flags.dir ? "" : "Everything in it is gone when it stops; --dir keeps it. "}Ctrl-C stops it.`;

function port(text: string): number {
    const number = Number(text);
    if (!/^\d+$/.test(text) || number > 65535) throw new InvalidArgumentError("It must be a number from 0 to 65535.");
    return number;
}
