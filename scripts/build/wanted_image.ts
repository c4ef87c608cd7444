/** What is said of the agent's Docker image on the command line. */

/** The image that is wanted. */
export interface WantedImage {
  /** With its tag. */
  name: string;
  /** What it is based on; Debian unless given. */
  base?: string;
  /** Debian packages to install, with a space between two; those that the agent uses unless given. */
  packages?: string;
}
