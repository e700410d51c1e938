// When the rest of a batch is not worth trying: a server that is down would cost each device its own minute and a half.

import { type ApiErrorKind, isApiError } from "../../thingsboard";

/** The next device would hear the same. */
const hopeless: readonly ApiErrorKind[] = ["unauthorized", "forbidden", "untrusted", "notThingsBoard", "unsupported", "deviceLimit"];
const passing: readonly ApiErrorKind[] = ["unreachable", "timeout", "server", "rateLimited"];
const inARow = 10;

export class GivingUp {
    private why: string | undefined;
    private failures = 0;

    worked(): void {
        this.failures = 0;
    }

    failed(error: Error): void {
        if (isApiError(error, ...hopeless) || (isApiError(error, ...passing) && ++this.failures >= inARow)) this.why ??= error.message;
    }

    reason(): string | undefined {
        return this.why === undefined ? undefined : `not tried, because others failed before: ${this.why}`;
    }
}
