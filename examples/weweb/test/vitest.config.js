import vue from '@vitejs/plugin-vue';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  plugins: [vue()],
  // The component lies outside of this directory, and has nothing installed.
  resolve: {
    alias: { 'presence-client': here('../../../clients/js/dist/index.js'), vue: here('node_modules/vue') },
    dedupe: ['vue'],
  },
  server: { fs: { allow: [here('../../..')] } },
  test: { environment: 'jsdom', include: ['*.test.js'], testTimeout: 120_000 },
});
