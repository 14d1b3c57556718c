import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** The build of the page: hashed files in one flat folder, nothing inlined, because the page's CSP allows no inline code. */
export default defineConfig({
  root: import.meta.dirname,
  base: '/',
  plugins: [react()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    target: 'es2024',
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 2_000,
  },
});
