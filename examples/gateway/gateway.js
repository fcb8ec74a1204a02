#!/usr/bin/env node
// The command: reads the settings, starts the gateway, stops it on SIGTERM and SIGINT.

import { parseArgs } from 'node:util';
import { authenticate, refuseStrangers } from './src/auth.js';
import { readConfig, USAGE } from './src/config.js';
import { Gateway } from './src/gateway.js';

async function main() {
  const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' } } });
  if (values.help) return void process.stdout.write(USAGE);

  const config = readConfig(process.env);
  refuseStrangers(config);
  const gateway = new Gateway(config, authenticate);
  const { address, port } = await gateway.start();
  console.log(`presence gateway on http://${address}:${port}`);

  let stopping = null;
  for (const signal of ['SIGTERM', 'SIGINT'])
    process.on(signal, () => { stopping ??= gateway.stop().then(() => process.exit(0)); });
}

main().catch((error) => {
  console.error(`presence gateway: ${error.message}`);
  process.exit(1);
});
