--- What is known of each code point of Unicode 15.0.0: made by `make widths`, not by hand.
--
-- width           cells of a terminal
-- kind            how it takes part in a grapheme: UAX #29
-- hidden          it is not seen, but steers what is seen: never written as it is
-- unassigned      not a character yet
-- varies          a variation selector behind it chooses between text and emoji
-- modifier        colours the emoji before it
-- virama, joins_next, joins_previous     a joiner may stand beside it
return {
   unicode = "15.0.0",
   classes = {
      a = { width = 1, kind = "control", hidden = true },
      b = { width = 1, kind = "other" },
      c = { width = 1, kind = "other", varies = true },
      d = { width = 1, kind = "pictograph", varies = true },
      e = { width = 0, kind = "extend" },
      f = { width = 1, kind = "other", unassigned = true },
      g = { width = 1, kind = "prepend" },
      h = { width = 0, kind = "control", hidden = true },
      i = { width = 1, kind = "other", joins_next = true, joins_previous = true },
      j = { width = 1, kind = "other", joins_previous = true },
      k = { width = 1, kind = "spacing" },
      l = { width = 0, kind = "extend", virama = true },
      m = { width = 1, kind = "extend" },
      n = { width = 2, kind = "L" },
      o = { width = 2, kind = "L", hidden = true },
      p = { width = 0, kind = "V", hidden = true },
      q = { width = 0, kind = "V" },
      r = { width = 0, kind = "T" },
      s = { width = 1, kind = "spacing", virama = true },
      t = { width = 0, kind = "extend", hidden = true },
      u = { width = 0, kind = "zwj", hidden = true },
      v = { width = 1, kind = "control", hidden = true, unassigned = true },
      w = { width = 2, kind = "pictograph", varies = true },
      x = { width = 2, kind = "other" },
      y = { width = 1, kind = "pictograph" },
      z = { width = 2, kind = "pictograph" },
      A = { width = 2, kind = "extend" },
      B = { width = 2, kind = "other", hidden = true },
      C = { width = 1, kind = "other", joins_next = true },
      D = { width = 2, kind = "syllable" },
      E = { width = 2, kind = "other", unassigned = true },
      F = { width = 1, kind = "other", hidden = true },
      G = { width = 2, kind = "spacing" },
      H = { width = 1, kind = "pictograph", unassigned = true },
      I = { width = 2, kind = "pictograph", unassigned = true },
      J = { width = 1, kind = "flag" },
      K = { width = 2, kind = "extend", modifier = true },
   },
   -- From 0 on: so many code points, and their class.
   ranges = [[
      32a 3b 1c 6b 1c 5b 10c 69b 33a 9b 1d 3b 1a 1d 593b 112e 8b 2f 6b 4f 7b 1f 1b 1f 20b 1f
      224b 7e 166b 1f 38b 2f 50b 2f 3b 1f 45e 1b 1e 1b 2e 1b 2e 1b 1e 8f 27b 4f 6b 11f 6g 10b
      11e 1b 1h 3b 1i 1b 4j 1i 1j 1i 1j 5i 4j 13i 1b 7i 1j 2i 21e 14b 2i 1e 3j 1b 3j 16i 18j 38i
      1j 2i 9j 1i 1j 1i 1j 2i 2j 1b 1j 7e 1g 1b 6e 2b 2e 1b 4e 2j 10b 3i 2b 1i 14b 1f 1g 1j 1e
      3i 5j 4i 1j 9i 1j 1i 1j 1i 1j 2i 1j 27e 2f 1j 11i 3j 15i 2j 4i 1j 1i 2j 3i 2j 6i 38b 11e
      1b 14f 10b 33i 9e 7b 2f 1e 24b 4e 1b 9e 1b 3e 1b 5e 2f 15b 1f 1j 5i 2j 1i 1j 10i 1j 1i 3j
      3e 2f 1b 1f 1i 1b 4i 1b 1j 1i 2j 5f 19j 3b 1i 2b 5i 1j 1f 2g 6f 8e 10i 3j 1b 1j 2i 2j 6i
      1j 15i 1b 24e 1g 32e 1k 54b 1e 1k 1e 1b 3k 8e 4k 1l 2k 1b 7e 10b 2e 29b 1e 2k 1f 8b 2f 2b
      2f 22b 1f 7b 1f 1b 3f 4b 2f 1e 1b 1m 2k 4e 2f 2k 2f 2k 1l 1b 8f 1m 4f 2b 1f 3b 2e 2f 24b
      1e 2f 2e 1k 1f 6b 4f 2b 2f 22b 1f 7b 1f 2b 1f 2b 1f 2b 2f 1e 1f 3k 2e 4f 2e 2f 2e 1l 3f 1e
      7f 4b 1f 1b 7f 10b 2e 3b 1e 1b 10f 2e 1k 1f 9b 1f 3b 1f 22b 1f 7b 1f 2b 1f 5b 2f 1e 1b 3k
      5e 1f 2e 1k 1f 2k 1l 2f 1b 15f 2b 2e 2f 12b 7f 1b 6e 1f 1e 2k 1f 8b 2f 2b 2f 22b 1f 7b 1f
      2b 1f 5b 2f 1e 1b 1m 1e 1k 4e 2f 2k 2f 2k 1l 7f 2e 1m 4f 2b 1f 3b 2e 2f 18b 10f 1e 1b 1f
      6b 3f 3b 1f 4b 3f 2b 1f 1b 1f 2b 3f 2b 3f 3b 3f 12b 4f 1m 1k 1e 2k 3f 3k 1f 3k 1l 2f 1b 6f
      1m 14f 21b 5f 1e 3k 1e 8b 1f 3b 1f 23b 1f 16b 2f 1e 1b 3e 4k 1f 3e 1f 3e 1l 7f 2e 1f 3b 2f
      1b 2f 2b 2e 2f 10b 7f 10b 1e 2k 9b 1f 3b 1f 23b 1f 10b 1f 5b 2f 1e 1b 1k 1e 2k 1m 2k 1f 1e
      2k 1f 2k 1e 1l 7f 2m 6f 2b 1f 2b 2e 2f 10b 1f 2b 1k 12f 2e 2k 9b 1f 3b 1f 41b 2l 1b 1m 2k
      4e 1f 3k 1f 3k 1l 1g 1b 4f 3b 1m 10b 2e 2f 26b 1f 1e 2k 1f 18b 3f 24b 1f 9b 1f 1b 2f 7b 3f
      1l 4f 1m 2k 3e 1f 1e 1f 7k 1m 6f 10b 2f 2k 1b 12f 48b 1e 1b 1k 6e 1l 4f 8b 8e 13b 37f 2b
      1f 1b 1f 5b 1f 24b 1f 1b 1f 10b 1e 1b 1k 6e 1l 2e 1b 2f 5b 1f 1b 1f 7e 1f 10b 2f 4b 32f
      24b 2e 27b 1e 1b 1e 1b 1e 4b 2k 8b 1f 36b 4f 14e 1k 4e 1l 1b 2e 5b 11e 1f 36e 1f 8b 1e 6b
      1f 13b 37f 45b 4e 1k 6e 1b 2l 2k 2e 23b 2k 2e 4b 3e 16b 4e 13b 1e 1b 1k 2e 6b 1e 15b 1e
      40b 1f 1b 5f 1b 2f 48b 95n 1o 1p 71q 88r 73b 1f 4b 2f 7b 1f 1b 1f 4b 2f 41b 1f 4b 2f 33b
      1f 4b 2f 7b 1f 1b 1f 4b 2f 15b 1f 57b 1f 4b 2f 67b 2f 3e 29b 3f 26b 6f 86b 2f 6b 2f 669b
      3f 89b 7f 18b 2e 1l 1s 9f 19b 2e 1s 2b 9f 18b 2e 12f 13b 1f 3b 1f 2e 12f 52b 2e 1k 7e 8k
      1e 2k 9e 1l 1e 9b 1e 2f 10b 6f 10b 6f 7b 1i 3b 3e 1h 1e 10b 6f 89i 7f 5b 2e 34i 1e 1i 5f
      70b 10f 31b 1f 3e 4k 2e 3k 4f 2k 1e 6k 3e 4f 1b 3f 42b 2f 5b 11f 44b 4f 26b 6f 11b 3f 57b
      2e 2k 1e 2f 55b 1k 1e 1k 7e 1f 1l 1b 1e 2b 8e 6k 10e 2f 1e 10b 6f 10b 6f 14b 2f 31e 49f 4e
      1k 47b 1e 1m 5e 1k 1e 5k 1e 1k 1s 8b 3f 27b 9e 11b 1f 2e 1k 30b 1k 4e 2k 2e 1s 1l 2e 56b
      1e 1k 2e 3k 1e 1k 3e 2s 8f 40b 8k 8e 2k 2e 3f 15b 3f 60b 7f 43b 2f 11b 8f 3e 1b 13e 1k 7e
      4b 1e 6b 1e 2b 1k 2e 1b 5f 192b 64e 278b 2f 6b 2f 38b 2f 6b 2f 8b 1f 1b 1f 1b 1f 1b 1f 31b
      2f 53b 1f 15b 1f 14b 2f 6b 1f 19b 2f 3b 1f 9b 1f 11b 1h 1t 1u 2h 24b 2a 5h 13b 1d 12b 1d
      22b 5h 1v 10h 2b 2f 27b 1f 13b 3f 33b 15f 33e 15f 34b 1d 22b 1d 82b 4f 4b 6d 15b 2d 367b
      2w 12b 1d 2x 93b 1y 70b 1d 25b 2w 2z 3d 1z 2d 1w 4b 3d 44b 25f 11b 21f 98b 1d 231b 2d 10b
      1d 9b 1d 58b 2d 2w 1b 5d 1y 1b 7y 1d 2y 1d 1y 1b 2w 2y 1d 4y 1d 2y 1d 1y 2d 2y 1d 3y 1d 3y
      2d 8y 3d 5y 1d 1y 1d 5y 12w 11y 2d 2y 1d 1y 2d 1y 1d 18y 1d 2y 1d 1w 6y 10b 2y 1d 1w 4d 1y
      1d 1y 2d 3y 1d 1w 5y 1d 2y 2w 4y 2d 11y 2w 5y 2w 2y 1d 5y 1z 1d 1y 1d 1y 1d 1w 20y 1d 1w
      5y 2d 2w 1d 1w 1y 3d 1w 2y 1w 4y 1d 2y 1z 2b 2d 2z 2d 1y 1d 2y 1d 1b 1d 1b 1d 6b 1d 3b 1d
      6b 1z 10b 2d 15b 1d 2b 1d 4b 1z 1b 1z 4b 1w 2z 1b 1w 11b 2d 3y 45b 3z 9b 1d 14b 1z 14b 1z
      372b 2d 463b 3d 19b 2w 51b 1w 4b 1w 30b 2f 32b 1f 344b 3e 2b 5f 45b 1f 1b 5f 1b 2f 56b 7f
      2b 14f 1l 23b 9f 7b 1f 7b 1f 7b 1f 7b 1f 7b 1f 7b 1f 7b 1f 7b 1f 32e 94b 34f 26x 1f 89x
      12f 214x 26f 12x 4f 42x 4e 2A 1w 12x 1w 1x 1b 1f 86x 2f 2e 101x 5f 43x 1f 51x 1B 42x 1f
      84x 12f 47x 1f 119x 1w 1x 1w 29171x 3f 55x 9f 348b 20f 47b 4e 1b 10e 32b 2e 80b 2e 6b 8f
      203b 5f 2b 1f 1b 1f 5b 24f 16b 1e 3b 1l 4b 1e 23b 2k 2e 1k 4b 1l 3f 10b 6f 50i 1C 5b 8f 2k
      50b 16k 1l 1e 8f 12b 6f 18e 13b 1e 38b 8e 25b 11e 1k 1s 11f 1b 29n 3f 3e 1k 47b 1e 2k 4e
      2k 2e 2k 1s 13b 1f 11b 4f 7b 1e 25b 1f 41b 6e 2k 2e 2k 2e 9f 3b 1e 8b 1e 1k 2f 10b 2f 32b
      1e 51b 1e 1b 3e 2b 2e 5b 2e 1b 1e 1b 24f 16b 1k 2e 2k 5b 1k 1l 10f 6b 2f 6b 2f 6b 9f 7b 1f
      7b 1f 60b 4f 115b 2k 1e 2k 1e 2k 1b 1k 1l 2f 10b 6f 11172D 12f 23q 4f 49r 4f 8448b 366x 2E
      106x 38E 7b 12f 5b 5f 1b 1e 24b 1f 5b 1f 1b 1f 2b 1f 2b 1f 125b 16f 445b 2f 54b 7f 1b 32f
      16b 16e 10x 6f 16e 35x 1f 19x 1f 4x 4f 5b 1f 135b 2f 1h 1f 96x 61b 2m 1F 30b 3f 6b 2f 6b
      2f 6b 2f 3b 3f 7x 1f 7b 1f 9v 3h 2b 2f 12b 1f 26b 1f 19b 1f 2b 1f 15b 2f 14b 34f 123b 5f
      3b 4f 45b 3f 88b 1f 13b 3f 1b 47f 45b 1e 130f 29b 3f 49b 15f 1e 27b 4f 36b 9f 30b 5f 38b
      5e 5f 30b 1f 37b 4f 14b 42f 158b 2f 10b 6f 36b 4f 36b 4f 40b 8f 52b 11f 12b 1f 15b 1f 7b
      1f 2b 1f 11b 1f 15b 1f 7b 1f 2b 67f 311b 9f 22b 10f 8b 24f 6b 1f 42b 1f 9b 69f 6b 2f 1b 1f
      44b 1f 2b 3f 1b 2f 23b 1f 72b 8f 9b 48f 19b 1f 2b 5f 33b 3f 27b 5f 1b 64f 56b 4f 20b 2f
      47b 3e 1f 2e 5f 4e 4b 1f 3b 1f 29b 2f 3e 4f 1l 9b 7f 9b 7f 64b 32f 5i 1j 1b 1j 1b 2j 2b 1C
      5j 4i 1C 5i 1j 3i 1j 2b 1j 2e 4f 4i 1j 7b 9f 54b 3f 29b 2f 27b 5f 8b 1i 1j 1i 3j 3i 1j 2i
      1j 1i 2j 1i 1j 7f 4b 12f 4j 2i 1b 80f 73b 55f 51b 13f 51b 7f 6b 1C 33i 1j 1i 4e 8f 10b
      294f 31b 1f 42b 1f 2e 1b 2f 2b 75f 3e 40b 8f 3i 1j 17i 1b 11e 3i 1j 5b 22f 4i 2j 12i 4e 4b
      38f 1i 1b 2i 3j 1b 1i 2j 2i 1j 2i 1b 1i 2j 1i 4b 1j 1i 1C 20f 23b 9f 1k 1e 1k 53b 14e 1l
      7b 4f 30b 1l 2b 2e 1b 9f 1l 2e 1k 45b 3k 4e 2k 1l 1e 2b 1g 4b 1e 10f 1g 2f 25b 7f 10b 6f
      3e 36b 5e 1k 6e 2l 1f 15b 2k 1b 8f 35b 1e 3b 9f 2e 1k 48b 3k 9e 1k 1s 1b 2g 5b 4e 1b 1k 1e
      16b 1f 20b 11f 18b 1f 25b 3k 3e 2k 1e 1s 2e 6b 1e 2b 1e 62f 7b 1f 1b 1f 4b 1f 15b 1f 11b
      6f 47b 1e 3k 7e 1l 5f 10b 6f 2e 2k 1f 8b 2f 2b 2f 22b 1f 7b 1f 2b 1f 5b 1f 2e 1b 1m 1k 1e
      4k 2f 2k 2f 2k 1s 2f 1b 6f 1m 5f 5b 2k 2f 7e 3f 5e 139f 53b 3k 8e 2k 1l 2e 1k 1e 21b 1f 1b
      1e 3b 30f 48b 1m 2k 6e 1k 1e 2k 1m 1k 2e 1k 1l 1e 4b 8f 10b 166f 47b 1m 2k 4e 2f 4k 2e 1k
      1l 1e 27b 2e 34f 48b 3k 8e 2k 1e 1k 1l 1e 4b 11f 10b 6f 13b 19f 43b 1e 1k 1e 2k 6e 1s 1e
      2b 6f 10b 54f 27b 2f 3e 2b 4e 1k 4e 1l 4f 23b 185f 44b 3k 9e 1k 1l 1e 1b 100f 83b 12f 8b
      2f 1b 2f 8b 1f 2b 1f 24b 1m 5k 1f 2k 2f 2e 1s 1l 1g 1k 1g 1k 1e 3b 9f 10b 70f 8b 2f 39b 3k
      4e 2f 2e 4k 1l 3b 1k 27f 1b 10e 40b 1e 1l 4e 1k 1g 4e 8b 1l 8f 1b 6e 2k 3e 40b 6g 13e 1k
      1e 1l 9b 13f 73b 7f 10b 246f 9b 1f 37b 1k 7e 1f 6e 1k 1l 6b 10f 29b 3f 32b 2f 22e 1f 1k 7e
      1k 2e 1k 2e 73f 7b 1f 2b 1f 38b 6e 3f 1e 1f 2e 1f 5e 2l 1g 1e 8f 10b 6f 6b 1f 2b 1f 32b 5k
      1f 2e 1f 2k 1e 1k 1l 1b 7f 10b 310f 19b 2e 2k 2b 7f 2e 1g 1k 13b 1f 34b 2k 5e 3f 2k 1e 1s
      1l 23b 86f 1b 15f 50b 13f 923b 102f 111b 1f 5b 11f 196b 2636f 99b 13f 1072b 16h 1e 6b 15e
      4010f 583b 8633f 569b 7f 31b 1f 10b 4f 81b 1f 10b 6f 30b 2f 5e 1b 10f 48b 7e 15b 10f 10b
      1f 7b 1f 21b 5f 19b 688f 91b 101f 75b 4f 1e 1b 55k 7f 4e 13b 64f 4x 1e 11f 2G 14f 6136x 8f
      1238x 42f 9x 8935f 4x 1f 7x 1f 2x 1f 291x 15f 1x 29f 3x 2f 1x 14f 4x 8f 396x 2308f 107b 5f
      13b 3f 9b 7f 10b 2f 1b 2e 1b 4h 4700f 46e 2f 23e 9f 116b 60f 246b 10f 39b 2f 60b 1m 1k 3e
      3b 1k 5m 8h 8e 2b 7e 30b 4e 61b 21f 66b 3e 1b 122f 20b 12f 20b 12f 87b 9f 25b 135f 85b 1f
      71b 1f 2b 2f 1b 2f 2b 2f 4b 1f 12b 1f 1b 1f 7b 1f 65b 1f 4b 2f 8b 1f 7b 1f 28b 1f 4b 1f 5b
      1f 1b 3f 7b 1f 340b 2f 292b 2f 562b 55e 4b 50e 8b 1e 14b 1e 7b 15f 5e 1f 15e 1104f 31b 6f
      6b 213f 7e 1f 17e 2f 7e 1f 2e 1f 5e 5f 62b 33f 1e 112f 45b 3f 7e 7b 2f 10b 4f 2b 320f 30b
      1e 17f 44b 4e 10b 5f 1b 464f 28b 4e 10b 742f 7b 1f 4b 1f 2b 1f 15b 1f 197b 2f 9b 7e 41f
      68i 7e 1b 4f 10b 4f 2b 785f 68b 76f 61b 194f 4b 1f 27b 1f 2b 1f 1b 2f 1b 1f 10b 1f 4b 1f
      1b 1f 1b 6f 1b 4f 1b 1f 1b 1f 1b 1f 3b 1f 2b 1f 1b 2f 1b 1f 1b 1f 1b 1f 1b 1f 1b 1f 2b 1f
      1b 2f 4b 1f 7b 1f 4b 1f 4b 1f 1b 1f 10b 1f 17b 5f 3b 1f 5b 1f 17b 52f 2b 270f 4y 1w 39y 4H
      100y 12H 15y 2H 15y 1H 14y 1z 1I 37y 10H 13b 3y 31b 1y 60b 4y 2d 12b 2d 14b 1z 2b 10z 18b
      1y 56H 26J 1x 1z 1w 13I 10x 1w 20x 1w 2x 5z 1w 3z 1x 4I 9x 7I 2z 14I 6z 154I 13z 3w 5z 1w
      6z 1w 4z 1d 2y 9d 9z 1d 65z 1w 4z 1d 21z 1w 2y 2d 1y 3d 2y 2d 7z 1w 4z 3w 19z 1w 1z 1w 1z
      1w 3z 1w 4d 5z 12d 1w 12z 1w 3z 2y 1d 1z 1d 1y 1d 3z 5K 8z 1w 12z 1w 9z 1w 6z 1w 24z 1d 1z
      1d 1w 3z 4w 3z 2w 4z 1w 22z 1w 18z 1w 37z 1w 12z 1w 2z 1w 7z 1w 3z 1w 11z 1w 14z 1w 4z 1w
      4z 3w 3z 4w 9z 1w 1z 3w 1z 1d 1y 9z 1w 4z 1w 4z 2w 42z 8b 3y 2d 4z 1y 24w 7y 2d 2y 7d 1z
      12y 1d 2y 4d 2y 1d 4y 2z 13y 1z 1d 2y 1d 8y 2d 9y 1d 5y 3d 12y 3d 8y 3d 2y 1d 1y 1d 4y 1d
      6y 1d 3y 1d 6y 1d 21z 1w 63z 48b 7z 1w 5z 1w 3z 1w 2z 1w 3z 1w 20z 1w 4z 1w 6z 2w 1z 1w 9z
      5y 1d 1z 3d 3z 2y 3z 4I 4z 6d 3y 1d 1y 2z 3I 1d 2y 1d 9z 3I 116b 3y 4H 5y 85b 5y 6H 12z 4I
      1z 15I 12b 4H 56b 8H 10b 6H 40b 8H 30b 2H 2y 78H 12b 47z 1b 10z 1b 185z 84y 12H 14y 2H 13z
      3I 9z 7I 46z 1I 7z 8I 14z 4I 9z 7I 9z 7I 147b 1f 55b 37f 10b 6f 1022H 2f 42720x 32E 4154x
      6E 222x 2E 5762x 14E 7473x 3103E 542x 1504E 2f 4939x 5E 4192x 56398E 655362f 1v 1h 30v 96t
      128v 240e 3600v 61440f 65534b 2f 65534b 2f]],
}
