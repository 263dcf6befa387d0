/*
** The code points of Unicode 15.0.0 that are not seen, but steer what is seen: controls and
** formatting characters, such as those that turn the direction of writing. Made by `make widths`,
** not by hand; lua/topaz/terminal/width_data.lua has the same ones.
*/
#ifndef TOPAZ_UNICODE_HIDDEN_H
#define TOPAZ_UNICODE_HIDDEN_H

#include <stdint.h>

/* clang-format off */
static const struct {
  uint32_t first, last;
} unicode_hidden[] = {
  {0x0000, 0x001F},
  {0x007F, 0x009F},
  {0x00AD, 0x00AD},
  {0x061C, 0x061C},
  {0x115F, 0x1160},
  {0x180E, 0x180E},
  {0x200B, 0x200F},
  {0x2028, 0x202E},
  {0x2060, 0x206F},
  {0x3164, 0x3164},
  {0xFEFF, 0xFEFF},
  {0xFFA0, 0xFFA0},
  {0xFFF0, 0xFFFB},
  {0x13430, 0x1343F},
  {0x1BCA0, 0x1BCA3},
  {0x1D173, 0x1D17A},
  {0xE0000, 0xE00FF},
  {0xE01F0, 0xE0FFF},
};
/* clang-format on */

#endif
