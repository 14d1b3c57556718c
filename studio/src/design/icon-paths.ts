/** The page's own icons: 16 by 16, drawn with one stroke. They are decoration: the words beside them are what is read out. */
export const PATHS = {
  plus: 'M8 3v10M3 8h10',
  minus: 'M3 8h10',
  close: 'M4 4l8 8M12 4l-8 8',
  check: 'M3 8.5l3.5 3.5L13 4.5',
  chevron: 'M4 6l4 4 4-4',
  undo: 'M6 3L3 6l3 3M3 6h6.5a3.5 3.5 0 0 1 0 7H7',
  redo: 'M10 3l3 3-3 3M13 6H6.5a3.5 3.5 0 0 0 0 7H9',
  trash: 'M3 4.5h10M6.5 4.5V3h3v1.5M4.5 4.5l.6 8.5h5.8l.6-8.5',
  fit: 'M3 6V3h3M10 3h3v3M13 10v3h-3M6 13H3v-3',
  pencil: 'M3 13l.6-3L10.5 3l2.5 2.5-7 7L3 13z',
  warning: 'M8 3l5.5 10h-11L8 3zM8 7v3M8 11.6v.1',
  sun: 'M8 5.5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5zM8 1.5v1.5M8 13v1.5M1.5 8H3M13 8h1.5M3.4 3.4l1 1M11.6 11.6l1 1M12.6 3.4l-1 1M4.4 11.6l-1 1',
  moon: 'M13 9.5A5.5 5.5 0 0 1 6.5 3 5.5 5.5 0 1 0 13 9.5z',
  contrast: 'M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11zM8 2.5v11M8 5h4.5M8 8h5.5M8 11h4.5',
  key: 'M10 3a3 3 0 1 1-2.7 4.3L3 11.5V13h2v-1.5h1.5V10L8 8.7M10.5 5.5v.1',
  gauge: 'M2.5 12a6 6 0 1 1 11 0M8 9l2.5-3.5',
  grip: 'M6 4v.1M6 8v.1M6 12v.1M10 4v.1M10 8v.1M10 12v.1',
  send: 'M2.5 8L13 3l-3 10-2.5-4L2.5 8zM7.5 9L13 3',
  stop: 'M4.5 4.5h7v7h-7z',
  copy: 'M5.500 5.500h7.500v7.500H5.500zM10.500 5.500V3H3v7.500h2.500',
  down: 'M8 3v10M4 9l4 4 4-4',
  clock: 'M8 2.500a5.500 5.500 0 1 1 0 11 5.500 5.500 0 0 1 0-11zM8 5v3.200l2 1.300',
  chat: 'M3 3.500h10v7H8l-3 2.500v-2.500H3z',
  list: 'M3 4.5h10M3 8h10M3 11.5h6',
  // Block types.
  starter: 'M5 3.5v9l7-4.5-7-4.5z',
  webhook:
    'M5 11.5a2.5 2.5 0 1 1-1-4.6M8 5a2.5 2.5 0 1 1 2 3.2M11 11a2.5 2.5 0 0 1-3 1M8 5l-3 6M9.5 7l2 4M5 11.5h6',
  response: 'M13 4v3a2 2 0 0 1-2 2H3M6 6L3 9l3 3',
  condition: 'M8 2.5L13.5 8 8 13.5 2.5 8 8 2.5zM8 6v2.2M8 10.4v.1',
  split: 'M3 8h3c2 0 2-4 4-4h3M6 8c2 0 2 4 4 4h3M11 2l2 2-2 2M11 10l2 2-2 2',
  agent: 'M8 2.5l1.4 3.6L13 7.5 9.4 8.9 8 12.5 6.6 8.9 3 7.5l3.6-1.4L8 2.5zM12.5 11v3M11 12.5h3',
  code: 'M5.5 4.5L2 8l3.5 3.5M10.5 4.5L14 8l-3.5 3.5M9 3.5l-2 9',
  platform_api:
    'M3 4.5c0-1 2.2-1.5 5-1.5s5 .5 5 1.5S10.800 6 8 6 3 5.500 3 4.500zM3 4.500v7c0 1 2.200 1.500 5 1.500s5-.5 5-1.500v-7M3 8c0 1 2.200 1.500 5 1.500S13 9 13 8',
  general_api:
    'M8 2.500a5.500 5.500 0 1 1 0 11 5.500 5.500 0 0 1 0-11zM2.500 8h11M8 2.500c2 2 2 9 0 11M8 2.500c-2 2-2 9 0 11',
  unknown: 'M3 3h10v10H3zM6.500 6.500a1.500 1.500 0 1 1 2 1.500c-.4.200-.5.500-.5 1M8 11v.1',
} as const;

export type IconName = keyof typeof PATHS;

/** Whether there is an icon of this name, such as for a block type. */
export function isIconName(name: string): name is IconName {
  return Object.hasOwn(PATHS, name);
}
