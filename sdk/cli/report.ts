// `pulumi-thingsboard report`: the certificates of a stack, counted and listed, from its state and, if asked, from the server.
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { now } from "../clock";
import { printable, shown } from "../printable";
import { toHtml } from "../report/html";
import { withServer } from "../report/live";
import { foundOf, type Kind, kinds } from "../report/kinds";
import type { Report, ReportRow } from "../report/model";
import { rowsOf } from "../report/state";
import { summarize } from "../report/summary";
import { toText } from "../report/terminal";
import { connect } from "../thingsboard";
import { UserError } from "../userError";
import { stackNames } from "./fleet/stacks";
import { command, type JsonFlag } from "./frame/command";
import { createCounter } from "./frame/counter";
import { UsageError } from "./frame/usage";
import { type Configured, configured, settingsOf } from "./server/flags";
import { settingsIn, stackConfig } from "./stack/config";
import { stackResources } from "./stack/state";

interface Flags extends JsonFlag {
    readonly stack: string;
    readonly shards?: number;
    readonly provider?: string;
    readonly cwd: string;
    readonly live?: true;
    readonly html?: string;
    readonly dueDays: number;
    readonly list: number;
    readonly failOn?: readonly Kind[];
}

export function reportCommand(): Command {
    return command("report", {
        summary: "the certificates of a stack: how many, until when, which are due, refused, changed or never seen",
        about: `Which ThingsBoard --live asks, and as whom: the Provider in the stack's state, or else its configuration (thingsboard:url, …),
or else the environment (THINGSBOARD_URL, …). Without --live no secret of the state is needed.`,
        examples: [
            ["pulumi-thingsboard report --stack prod", "in the terminal"],
            ["pulumi-thingsboard report --stack prod --live --html fleet.html", "compared with the server, and as a page to look at"],
            ["pulumi-thingsboard report --stack prod --live --fail-on expired,drift", "for a nightly job: fails when there is any of these"],
            [`pulumi-thingsboard report --stack prod --json | jq '.rows[] | select(.standing != "valid") | .device'`, "for a script"],
        ],
        exitCodes: { 0: "the report was made, and there is nothing that --fail-on names", 1: "it could not be made, or there is something that --fail-on names" },
    })
        .requiredOption("--stack <name>", "the stack, or with --shards what the names of the stacks begin with", process.env["PULUMI_STACK"])
        .option("--shards <count>", "how many stacks share the fleet", whole(1))
        .addOption(new Option("--cwd <folder>", "where Pulumi.yaml is").default(process.cwd(), "the current folder"))
        .option("--live", "asks ThingsBoard about each device too: what it holds now, and when it was last seen")
        .option("--provider <name>", "which Provider of the stack --live asks, where it has several")
        .option("--html <file>", "writes a page with plots and a table to search: one file, which needs no network")
        .option("--due-days <days>", "a certificate is due so many days before its end; fleets have a number of their own", whole(0), 30)
        .option("--list <count>", "how many devices of each kind are listed", whole(0), 10)
        .addOption(new Option("--fail-on <kinds>", `ends with exit code 1 if there are devices of these kinds, joined by commas: ${names}`).argParser(kindsIn))
        .action(show);
}

async function show(flags: Flags): Promise<void> {
    if (flags.failOn?.includes("never-seen") && !flags.live) throw new UsageError("--fail-on never-seen needs --live: when a device was last seen ThingsBoard alone knows");
    const at = now();
    const stacks = stackNames(flags);
    let rows: ReportRow[] = [];
    for (const stack of stacks) {
        const resources = await stackResources(flags.cwd, stack, "hidden");
        if (!resources) throw new UserError(`There is no stack ${stack}${flags.shards === undefined ? "" : `: is the fleet really cut into ${flags.shards} shards?`}`);
        for (const row of rowsOf(resources, { stack, dueDays: flags.dueDays, now: at })) rows.push(row);
    }
    let server: string | undefined;
    if (flags.live) {
        const settings = settingsOf(await serverOf(flags));
        const counter = createCounter("devices compared", rows.length);
        rows = await withServer(rows, { thingsboard: connect(settings), done: counter.one }).finally(counter.end);
        server = new URL(settings.url).host;
    }
    const report: Report = { at: at.toISOString(), stacks, ...(server === undefined ? {} : { server }), dueDays: flags.dueDays, summary: summarize(rows, server !== undefined), rows };
    if (flags.html !== undefined) write(resolve(flags.html), toHtml(report));
    if (flags.json) console.log(printable(JSON.stringify(report)));
    else console.log(toText(report, { list: flags.list, ...(process.stdout.isTTY ? { columns: process.stdout.columns } : {}) }));
    const found = foundOf(flags.failOn ?? [], rows);
    if (found === undefined) return;
    console.error(`${found} of ${rows.length.toLocaleString("en")} devices: the exit code is 1, since --fail-on names ${found.includes(", ") ? "these" : "this"}`);
    process.exitCode = 1;
}

const names = Object.keys(kinds).join(", ");

function kindsIn(text: string): Kind[] {
    const given = text.split(",").map(word => word.trim());
    const stranger = given.find(word => !Object.hasOwn(kinds, word));
    if (stranger !== undefined) throw new InvalidArgumentError(`${stranger === "" ? "It has an empty place" : `There is no ${shown(stranger)}`}: it must be some of ${names}.`);
    return given as Kind[];
}

/** Shards have the configuration of the stack that names them, which need not exist. */
async function serverOf({ cwd, stack, shards, provider }: Flags): Promise<Configured> {
    if (shards === undefined) return configured({ stack, cwd, ...(provider === undefined ? {} : { provider }) });
    return { given: settingsIn(await stackConfig(cwd, stack)), origin: `the configuration of stack ${stack}` };
}

function write(file: string, text: string): void {
    try {
        writeFileSync(file, text);
    } catch (error) {
        throw new UserError(`The report can't be written to ${file} (${(error as NodeJS.ErrnoException).code ?? "failed"}): give --html a file in a folder that exists.`);
    }
    console.error(`Report written to ${file}`);
}

function whole(least: number) {
    return (text: string): number => {
        const number = Number(text);
        if (!/^\d+$/.test(text) || number < least || number > 100_000) throw new InvalidArgumentError(`It must be a whole number of at least ${least}.`);
        return number;
    };
}
