// The `pulumi` on PATH, asked for what a stack holds.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { UserError } from "../../userError";

/** A state may hold a hundred thousand devices. */
const largestState = 2 ** 30;

/** @throws UserError with what Pulumi says */
export async function pulumi(cwd: string, ...args: string[]): Promise<string> {
    try {
        return (await promisify(execFile)("pulumi", ["--non-interactive", "--color", "never", "--cwd", cwd, ...args], { maxBuffer: largestState })).stdout;
    } catch (error) {
        const { code, stderr } = error as { code?: unknown; stderr?: string };
        if (code === "ENOENT") throw new UserError("The command pulumi is not on PATH: install Pulumi first.");
        throw new UserError((stderr ?? "").replace(/^error: /, "").trim() || `pulumi ${args.join(" ")} failed.`);
    }
}

export const isNoSuchStack = (error: unknown): boolean => error instanceof UserError && /no stack named/.test(error.message);
