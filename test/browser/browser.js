// browser.js: headless Chromium, without anything that it does by itself.
import { chromium } from 'playwright-core';

const options = {
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--no-first-run',
  ],
};

export function launchBrowser() {
  return chromium.launch(options);
}

// A browser of its own whose process can be killed. Returns { browser, kill }.
export async function launchMortalBrowser() {
  const server = await chromium.launchServer(options);
  return { browser: await chromium.connect(server.wsEndpoint()), kill: () => server.kill() };
}
