// Called wrongly, in a way that the options alone don't tell.
import { UserError } from "../../userError";

/** Ends with the exit code of a wrong call. */
export class UsageError extends UserError {}
