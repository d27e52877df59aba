/** How many groups can be told apart by colour and shape alone. */
export const groupColours = 8;
