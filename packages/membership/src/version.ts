/** The version of Muster, which all of its packages share, as `muster --version` prints it. A file of its own: it is wanted where nothing else is. */
export const VERSION = '0.1.0';
