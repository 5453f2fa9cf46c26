/** Not API: files that are written completely or not at all, and files that are read from a web server. */
package io.framecast.files;
