// `pulumi-thingsboard report`: the certificates of a stack, counted and listed, from its state and, if asked, from the server.
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { now } from "../clock";
import { printable } from "../printable";
import { toHtml } from "../report/html";
import { withServer } from "../report/live";
import type { Report, ReportRow } from "../report/model";
import { rowsOf } from "../report/state";
import { summarize } from "../report/summary";
import { toText } from "../report/terminal";
import { connect } from "../thingsboard";
import { UserError } from "../userError";
import { settingsOf } from "./fleet/config";
import { resourcesOf, stackNames } from "./fleet/stacks";
import { createCounter } from "./progress";

interface Flags {
    readonly stack: string;
    readonly shards?: number;
    readonly cwd: string;
    readonly live?: true;
    readonly html?: string;
    readonly json?: true;
    readonly dueDays: number;
    readonly list: number;
}

export function reportCommand(): Command {
    return new Command("report")
        .description("the certificates of a stack: how many, until when, which are due, refused, changed or never seen")
        .requiredOption("--stack <name>", "the stack, or with --shards what the names of the stacks begin with", process.env["PULUMI_STACK"])
        .option("--shards <count>", "how many stacks share the fleet", whole(1))
        .option("--cwd <folder>", "where Pulumi.yaml is", process.cwd())
        .option("--live", "asks ThingsBoard about each device too: what it holds now, and when it was last seen")
        .option("--html <file>", "writes a page with plots and a table to search: one file, which needs no network")
        .option("--json", "prints all of it as JSON")
        .option("--due-days <days>", "a certificate is due so many days before its end; fleets have a number of their own", whole(0), 30)
        .option("--list <count>", "how many devices of each kind are listed", whole(0), 10)
        .addHelpText(
            "after",
            `
Which ThingsBoard --live asks, and as whom: stack config (thingsboard:url, …), or else the environment (THINGSBOARD_URL, …).
The state's secrets are not needed. Exit code 0, whatever is found; 1 where the report could not be made.

  pulumi-thingsboard report --stack prod                                    # in the terminal
  pulumi-thingsboard report --stack prod --live --html fleet.html           # to look at
  pulumi-thingsboard report --stack prod --json | jq '.rows[] | select(.standing != "valid") | .device'`,
        )
        .action(show);
}

async function show(flags: Flags): Promise<void> {
    const at = now();
    const stacks = stackNames(flags);
    let rows: ReportRow[] = [];
    for (const stack of stacks) {
        const resources = await resourcesOf(flags.cwd, stack, "hidden");
        if (!resources) throw new UserError(`There is no stack ${stack}${flags.shards === undefined ? "" : `: is the fleet really cut into ${flags.shards} shards?`}`);
        for (const row of rowsOf(resources, { stack, dueDays: flags.dueDays, now: at })) rows.push(row);
    }
    let server: string | undefined;
    if (flags.live) {
        const settings = await settingsOf(flags.cwd, flags.stack);
        const counter = createCounter("devices compared", rows.length);
        rows = await withServer(rows, { thingsboard: connect(settings), done: counter.one }).finally(counter.end);
        server = new URL(settings.url).host;
    }
    const report: Report = { at: at.toISOString(), stacks, ...(server === undefined ? {} : { server }), dueDays: flags.dueDays, summary: summarize(rows, server !== undefined), rows };
    if (flags.html !== undefined) write(resolve(flags.html), toHtml(report));
    if (flags.json) console.log(printable(JSON.stringify(report)));
    else console.log(toText(report, flags.list));
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
