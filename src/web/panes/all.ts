export { default as Agent } from './agent.tsx';
export { default as Analytics } from './analytics.tsx';
export { default as CatchUp } from './catch-up.tsx';
export { default as Memory } from './memory.tsx';
export { default as Palette } from './palette.tsx';
export { default as Past } from './past.tsx';
export { default as System } from './system.tsx';
export { default as Task } from './task.tsx';
