#!/usr/bin/env node
// The `pulumi-thingsboard` command. Each subcommand has a file of its own, and a line here.
import { Command } from "commander";
import { doctorCommand } from "./doctor";
import { emulatorCommand } from "./emulator";
import { explainCommand } from "./explain";
import { fingerprintCommand } from "./fingerprint";
import { fleetCommand } from "./fleet";
import { run } from "./frame/run";
import { publishCommand } from "./publish";
import { revokeCommand } from "./revoke";
import { serverCertificateCommand } from "./serverCertificate";
import { version } from "./version";

const program = new Command("pulumi-thingsboard")
    .description("X.509 device identity for ThingsBoard: tools beside the Pulumi package")
    .version(version)
    .addCommand(doctorCommand())
    .addCommand(explainCommand())
    .addCommand(publishCommand())
    .addCommand(revokeCommand())
    .addCommand(fingerprintCommand())
    .addCommand(fleetCommand())
    .addCommand(emulatorCommand())
    .addCommand(serverCertificateCommand())
    .addHelpText("after", '\n"pulumi-thingsboard <command> --help" shows what to type. Start with "pulumi-thingsboard doctor".');

void run(program);
