// `pulumi-thingsboard fleet`: one program in many stacks, each with its share of the devices; and keys out of the state.
import { Command, InvalidArgumentError, Option } from "commander";
import { command, type JsonFlag } from "./frame/command";
import { exportDevices } from "./fleet/export";
import { type Operation, runShards } from "./fleet/run";
import { showStatus } from "./fleet/status";
import { UsageError } from "./frame/usage";

export interface FleetFlags extends JsonFlag {
    readonly stack: string;
    readonly shards?: number;
    readonly parallel: number;
    readonly cwd: string;
}

const operations: Readonly<Record<Operation, string>> = {
    up: "deploys the shards, some at a time; what failed is tried again by running it again",
    preview: "shows what up would do in each shard",
    refresh: "looks in each shard for what was changed elsewhere",
    destroy: "destroys what each shard has made; the stacks stay",
};

export function fleetCommand(): Command {
    const fleet = new Command("fleet").description("a fleet cut into shards, one Pulumi stack each; certificates and keys out of the state");
    for (const [operation, summary] of Object.entries(operations) as [Operation, string][]) {
        const lesson = {
            summary,
            examples: [[`pulumi-thingsboard fleet ${operation} --stack prod --shards 16 --parallel 4`, `${operation} in the stacks prod-0 to prod-15, four at a time`]] as const,
            exitCodes: { 0: "all shards are done", 1: "some failed: their reasons are said, and the same command goes on" },
        };
        fleet.addCommand(
            common(command(operation, lesson))
                .requiredOption("--shards <count>", "how many stacks share the fleet; fixed as long as the fleet lives", count)
                .option("--parallel <count>", "how many shards run at once; calls in flight are divided among them", count, 2)
                .action((flags: FleetFlags) => runShards(operation, { ...flags, shards: flags.shards ?? 1 })),
        );
    }
    const status = command("status", {
        summary: "devices, failures and the next expiry of each shard, from the states",
        examples: [["pulumi-thingsboard fleet status --stack prod --shards 16", "asks no server"]],
    });
    const taken = command("export", {
        summary: "writes certificates and private keys out of the encrypted state",
        about: "What is printed, or written, holds private keys: files are for their owner only (0600).",
        examples: [
            ["pulumi-thingsboard fleet export --stack prod --device pump-7", "prints certificate and key of one device"],
            ["pulumi-thingsboard fleet export --stack prod --shards 16 --out devices", "a .pem and a .key file of each device"],
        ],
    });
    return fleet
        .addCommand(common(status).option("--shards <count>", "how many stacks share the fleet; without it, the one stack", count).action(showStatus))
        .addCommand(
            common(taken)
                .option("--shards <count>", "how many stacks share the fleet; without it, the one stack", count)
                .option("--device <name...>", "these devices; without --out they are printed")
                .option("--out <folder>", "a .pem and a .key file (0600) a device, of all devices or those given")
                .action((flags: FleetFlags & { device?: string[]; out?: string }) => {
                    if (!flags.device && flags.out === undefined) throw new UsageError("Say what to export: --device NAME …, or --out FOLDER for all devices, or both.");
                    return exportDevices(flags);
                }),
        );
}

const common = (command: Command): Command =>
    command
        .requiredOption("--stack <name>", "the stack whose configuration all shards share; shard 3 is the stack <name>-3", process.env["PULUMI_STACK"])
        .addOption(new Option("--cwd <folder>", "where Pulumi.yaml is").default(process.cwd(), "the current folder"));

function count(text: string): number {
    const number = Number(text);
    if (!/^\d+$/.test(text) || number < 1 || number > 100_000) throw new InvalidArgumentError("It must be a whole number of at least 1.");
    return number;
}
