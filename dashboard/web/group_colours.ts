/** How many groups can be told apart by colour and shape alone. */
export const GROUP_COLOURS = 8;
