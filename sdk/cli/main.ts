#!/usr/bin/env node
// The `pulumi-thingsboard` command. Each subcommand has a file of its own.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { UserError } from "../userError";
import { emulatorCommand } from "./emulator";
import { fleetCommand } from "./fleet";
import { reportCommand } from "./report";
import { revokeCommand } from "./revoke";

const { version } = JSON.parse(readFileSync(join(__dirname, "..", "..", "package.json"), "utf8")) as { version: string };

const program = new Command("pulumi-thingsboard")
    .description("X.509 device identity for ThingsBoard: tools beside the Pulumi package")
    .version(version)
    .addCommand(emulatorCommand())
    .addCommand(fleetCommand())
    .addCommand(reportCommand())
    .addCommand(revokeCommand());

program.parseAsync().catch((error: unknown) => {
    if (!(error instanceof UserError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
});
