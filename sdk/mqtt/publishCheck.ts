// The publish check: a connection as the device itself would make it, told apart step by step.

import type { PublishCheckOutcome, PublishCheckRequest } from "./outcome";

/** @throws UserError for input that can't work, before anything is sent. */
export declare function publishCheck(request: PublishCheckRequest): Promise<PublishCheckOutcome>;
