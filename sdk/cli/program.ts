// The commands. Each has a file of its own, and a line here.
import { Command } from "commander";
import { doctorCommand } from "./doctor";
import { emulatorCommand } from "./emulator";
import { explainCommand } from "./explain";
import { fingerprintCommand } from "./fingerprint";
import { fleetCommand } from "./fleet";
import { publishCommand } from "./publish";
import { reportCommand } from "./report";
import { revokeCommand } from "./revoke";
import { serverCertificateCommand } from "./serverCertificate";
import { version } from "./version";

export const program = (): Command =>
    new Command("pulumi-thingsboard")
        .description("X.509 device identity for ThingsBoard: tools beside the Pulumi package")
        .version(version)
        .addCommand(doctorCommand())
        .addCommand(explainCommand())
        .addCommand(publishCommand())
        .addCommand(revokeCommand())
        .addCommand(fingerprintCommand())
        .addCommand(fleetCommand())
        .addCommand(reportCommand())
        .addCommand(emulatorCommand())
        .addCommand(serverCertificateCommand())
        .addHelpText("after", '\n"pulumi-thingsboard <command> --help" shows what to type. Start with "pulumi-thingsboard doctor".');
