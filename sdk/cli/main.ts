#!/usr/bin/env node
// The `pulumi-thingsboard` command.
import { run } from "./frame/run";
import { program } from "./program";

void run(program());
