/** Public entry. */
