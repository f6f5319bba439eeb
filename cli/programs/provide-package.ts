import { providePackage } from '../package.ts';

// Imported before a user's program, by the process that runs it.
providePackage();
