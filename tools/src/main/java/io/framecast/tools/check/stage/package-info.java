/** What each stage of {@code framecast check} does, and how its process tells what it found. */
package io.framecast.tools.check.stage;
