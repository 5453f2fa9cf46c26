/** Not API: words and quotes in messages for people. */
package io.framecast.text;
