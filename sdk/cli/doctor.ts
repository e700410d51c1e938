// `pulumi-thingsboard doctor`: everything between this machine and a device's connection, looked at one after another.
import type { Command } from "commander";
import { serverFrom } from "../serverFrom";
import { UserError } from "../userError";
import { examineMachine, type Versions } from "./doctor/machine";
import { chainOnOffer, examineMqtt, type MqttReport } from "./doctor/mqtt";
import { examineRest, type RestReport } from "./doctor/rest";
import { examineSettings, type ShownSetting } from "./doctor/settings";
import { command, type JsonFlag, seconds } from "./frame/command";
import { type Finding, failure, lineOf, summed } from "./frame/findings";
import { caFile } from "./frame/files";
import { paintFor, printJson, type Progress, progressOn } from "./frame/terminal";
import { UsageError } from "./frame/usage";
import { aboutServer, configured, originsOf, patienceOfCommands, type ServerFlags, settingsOf, withServer } from "./server/flags";

type Flags = ServerFlags & JsonFlag & { readonly cafile?: string; readonly timeout: number };

/** What --json prints. */
export interface Diagnosis {
    readonly ok: boolean;
    readonly versions: Versions;
    readonly settings: readonly ShownSetting[];
    readonly server?: RestReport;
    readonly mqtt?: MqttReport;
    readonly findings: readonly Finding[];
}

export function doctorCommand(): Command {
    const doctor = command("doctor", {
        summary: "looks at everything that a deployment and its devices need, and says what to do about the rest",
        about: `What it looks at: where each setting comes from; Node, Pulumi and this package in the project; ThingsBoard's address, version and
edition; log-in and rights; device limits; clocks; the MQTT port, its certificate chain, and whether client certificates get through.
It changes nothing. One connection to the MQTT port presents a throw-away certificate, which ThingsBoard has to refuse.

${aboutServer}`,
        examples: [
            ["pulumi-thingsboard doctor", "with the settings of the environment"],
            ["pulumi-thingsboard doctor --stack prod", "with those of a stack, in the folder of its Pulumi.yaml"],
            ["pulumi-thingsboard doctor --cafile tb-server-chain.pem", "would a device that trusts this file connect?"],
            ["pulumi-thingsboard doctor --json", "for a pipeline, or to attach to a bug report: it holds addresses and the user's name, and no secret"],
        ],
        exitCodes: { 0: "nothing is wrong; there may be warnings", 1: "something is wrong, and what to do is said" },
    })
        .option("--cafile <pem>", "what devices trust, in the place of mqttCaPem")
        .option("--timeout <seconds>", "for one connection to the MQTT port", seconds, 10);
    return withServer(doctor).action(run);
}

async function run(flags: Flags): Promise<void> {
    const paint = paintFor(process.stdout);
    const progress = progressOn();
    const findings: Finding[] = [];
    const tell = (...found: readonly Finding[]) => {
        findings.push(...found);
        if (!flags.json) for (const finding of found) progress.say(lineOf(finding, paint));
    };
    const report = await examine(flags, tell, progress);
    progress.done();
    const done: Diagnosis = { ok: findings.every(({ status }) => status !== "failure"), ...report, findings };
    if (flags.json) printJson(done);
    else console.log(`\n${summed(findings)}`);
    process.exitCode = done.ok ? 0 : 1;
}

type Tell = (...findings: readonly Finding[]) => void;

async function examine(flags: Flags, tell: Tell, { now, wait }: Pick<Progress, "now" | "wait">): Promise<Omit<Diagnosis, "ok" | "findings">> {
    now("looking at this machine …");
    const machine = await examineMachine(flags.cwd);
    tell(...machine.findings);
    const { versions } = machine;
    try {
        now("reading the settings …");
        const given = await configured(flags);
        const settings = settingsOf(given);
        const { shown, findings } = examineSettings(settings, originsOf(given), given.origin);
        tell(...findings);
        const waited: string[] = [];
        const server = serverFrom(settings, text => {
            waited.push(text);
            wait(text);
        }, patienceOfCommands);
        now(`asking ${settings.url} …`);
        const rest = await examineRest(settings, server.thingsboard, waited, tell);
        const caPem = flags.cafile === undefined ? settings.mqttCaPem : caFile(flags.cafile);
        const onOffer = rest ? await chainOnOffer(server) : {};
        const mqtt = await examineMqtt({ host: settings.mqttHost, port: settings.mqttPort, timeoutSeconds: flags.timeout, ...(caPem === undefined ? {} : { caPem }) }, server, onOffer, tell, now);
        return { versions, settings: shown, ...(rest === undefined ? {} : { server: rest }), ...(mqtt === undefined ? {} : { mqtt }) };
    } catch (error) {
        if (!(error instanceof UserError) || error instanceof UsageError) throw error;
        tell(failure("settings", error.message));
        return { versions, settings: [] };
    }
}
