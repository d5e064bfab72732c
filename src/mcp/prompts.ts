import type { PromptSpec } from '../transports/mcp/surface.ts';

const AGENT = { name: 'agent', description: 'Your name in the room.', required: true as const };

/** A value of a prompt within a sentence: one line. */
function said(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

export const prompts: readonly PromptSpec[] = [
  {
    name: 'join_team',
    title: 'Join the team',
    description: 'Begin to work with the other agents: say who you are, catch up, take work.',
    arguments: [AGENT, { name: 'role', description: 'What you are for, in a few words.' }],
    render: ({ agent = '', role }) =>
      [
        `You are ${said(agent)}, an agent in a team that works together through the tools of reflectt-node. Give agent="${said(agent)}" with every call.`,
        ...(role
          ? [
              `1. Say what you are for: call_tool {name: "agents.register", input: {name: "${said(agent)}", role: "${said(role)}"}}.`,
            ]
          : ['1. See who is here: who.']),
        '2. catch_up: what you missed. Answer what is addressed to you with post_message, and acknowledge it with inbox {done}.',
        '3. next_task: claim work. Before you change files, reserve_files. Report with update_task: heartbeat while you work, comment on what others should know, complete with a result, or fail or release with a reason.',
        '4. Where there is nothing to do, wait_for with the cursor of your last answer, and go on with 2.',
        'Use few words. Decisions belong in the channel decisions; ask the one who knows, by @name.',
      ].join('\n'),
  },
  {
    name: 'hand_over',
    title: 'Hand work over',
    description: 'Give a task to another agent so that nothing is lost.',
    arguments: [
      AGENT,
      { name: 'task', description: 'The id of the task.', required: true },
      { name: 'to', description: 'Who takes it; anybody where it is left out.' },
    ],
    render: ({ agent = '', task = '', to }) =>
      [
        `You are ${said(agent)} and hand over ${said(task)}${to ? ` to ${said(to)}` : ''}.`,
        `1. get_tasks {id: "${said(task)}", thread: true}: what is known.`,
        '2. update_task {action: "comment"}: what is done, what is left, what you tried, where the files are, and what to look out for.',
        '3. reserve_files {action: "release"}: let go of your files.',
        to
          ? `4. update_task {assignee: "${said(to)}", status: "todo"}, and post_message {to: "${said(to)}"} with the task’s id.`
          : '4. update_task {action: "release", reason}: it is free for anybody.',
      ].join('\n'),
  },
  {
    name: 'stand_up',
    title: 'Stand-up',
    description: 'Say in a few lines what you did, what you do next, and what holds you up.',
    arguments: [AGENT, { name: 'channel', description: 'Where to; general unless said.' }],
    render: ({ agent = '', channel = 'general' }) =>
      [
        `You are ${said(agent)}. Write a stand-up for the team.`,
        `1. catch_up, and get_tasks {assignee: "${said(agent)}"}: what changed and what is yours.`,
        `2. post_message {channel: "${said(channel)}"}: at most five lines: done, next, what holds you up (with the ids of tasks, and @names of who can help).`,
      ].join('\n'),
  },
];
