// `pulumi-thingsboard fleet`: one program in many stacks, each with its share of the devices; and keys out of the state.
import { Command, InvalidArgumentError } from "commander";
import { UserError } from "../userError";
import { exportDevices } from "./fleet/export";
import { type Operation, runShards } from "./fleet/run";
import { showStatus } from "./fleet/status";

export interface FleetFlags {
    readonly stack: string;
    readonly shards?: number;
    readonly parallel: number;
    readonly cwd: string;
}

export function fleetCommand(): Command {
    const command = new Command("fleet").description("a fleet cut into shards, one Pulumi stack each; certificates and keys out of the state");
    const told: readonly (readonly [Operation, string])[] = [
        ["up", "deploys the shards, some at a time; what failed is tried again by running it again"],
        ["preview", "shows what up would do in each shard"],
        ["refresh", "looks in each shard for what was changed elsewhere"],
        ["destroy", "destroys what each shard has made; the stacks stay"],
    ];
    for (const [operation, description] of told) {
        command.addCommand(
            common(new Command(operation).description(description))
                .requiredOption("--shards <count>", "how many stacks share the fleet; fixed as long as the fleet lives", count)
                .option("--parallel <count>", "how many shards run at once; calls in flight are divided among them", count, 2)
                .action((flags: FleetFlags) => runShards(operation, { ...flags, shards: flags.shards ?? 1 })),
        );
    }
    command.addCommand(
        common(new Command("status").description("devices, failures and the next expiry of each shard, from the states"))
            .option("--shards <count>", "how many stacks share the fleet; without it, the one stack", count)
            .action(showStatus),
    );
    command.addCommand(
        common(new Command("export").description("writes certificates and private keys out of the encrypted state"))
            .option("--shards <count>", "how many stacks share the fleet; without it, the one stack", count)
            .option("--device <name...>", "these devices; without --out they are printed")
            .option("--out <folder>", "a .pem and a .key file (0600) a device, of all devices or those given")
            .action((flags: FleetFlags & { device?: string[]; out?: string }) => {
                if (!flags.device && flags.out === undefined) throw new UserError("Say what to export: --device NAME …, or --out FOLDER for all devices, or both.");
                return exportDevices(flags);
            }),
    );
    return command;
}

const common = (command: Command): Command =>
    command
        .requiredOption("--stack <name>", "the stack whose configuration all shards share; shard 3 is the stack <name>-3", process.env["PULUMI_STACK"])
        .option("--cwd <folder>", "where Pulumi.yaml is", process.cwd());

function count(text: string): number {
    const number = Number(text);
    if (!/^\d+$/.test(text) || number < 1 || number > 100_000) throw new InvalidArgumentError("It must be a whole number of at least 1.");
    return number;
}
