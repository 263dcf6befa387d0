-- The pictures of README.md and the guides: what draws them, and that they are up to date.
local blocks = require "spec.docs.blocks"
local pictures = require "spec.docs.pictures"
local terminal_svg = require "spec.docs.terminal_svg"

describe("a screen as SVG", function()
   -- What is drawn, without the frame.
   local function drawn(screen)
      local text = terminal_svg.render(screen, { columns = 20, title = "t", name = "n" })
      local list = {}
      for line in text:match '</text>\n(.*)\n<rect class="edge"':gmatch "[^\n]+" do list[#list + 1] = line end
      return list
   end

   it("has each word at its column, as wide as its cells", function()
      assert.same({
         '<text x="16" y="58" textLength="25.2" lengthAdjust="spacingAndGlyphs">a b</text>',
         '<text x="58" y="58" textLength="33.6" lengthAdjust="spacingAndGlyphs">日本</text>',
         '<text x="16" y="77" textLength="42" lengthAdjust="spacingAndGlyphs">&lt;&amp;c&gt;e\u{301}</text>',
      }, drawn "\na b  日本\n<&c>e\u{301}   \n\n")
   end)

   it("has colours and faces by the sequences, also over the end of a line", function()
      assert.same({
         '<text class="c31 bold" x="16" y="58" textLength="8.4" lengthAdjust="spacingAndGlyphs">a</text>',
         '<text class="c92 bold" x="16" y="77" textLength="8.4" lengthAdjust="spacingAndGlyphs">b</text>',
         '<text class="dim" x="24.4" y="77" textLength="8.4" lengthAdjust="spacingAndGlyphs">c</text>',
         '<rect class="plain" x="32.8" y="63" width="8.4" height="19"/>',
         '<text class="back" x="32.8" y="77" textLength="8.4" lengthAdjust="spacingAndGlyphs">d</text>',
         '<rect class="c34" x="41.2" y="63" width="8.4" height="19"/>',
         '<text x="41.2" y="77" textLength="8.4" lengthAdjust="spacingAndGlyphs">e</text>',
      }, drawn "\27[1;31ma\n\27[38;5;10mb\27[0;2mc\27[m\27[7md\27[27;44me")
   end)

   it("draws a bar as one rectangle", function()
      assert.same({
         '<rect class="c36" x="23.35" y="46" width="1.05" height="15"/>',
         '<rect class="c36" x="24.4" y="46" width="21" height="15"/>',
         '<rect class="c36" x="58" y="46" width="1.05" height="15"/>',
         '<text x="74.8" y="58" textLength="16.8" lengthAdjust="spacingAndGlyphs">7%</text>',
      }, drawn "\27[36m▕██▌ ▏\27[39m 7%")
   end)

   it("is refused where a sequence is not known", function()
      for _, text in ipairs { "\27[5mx", "\27[38;5;200mx", "\27[2Jx", "a\tb", "\27]2;x\7" } do
         assert.has_error(function() drawn(text) end)
      end
   end)
end)

describe("the pictures", function()
   local ok, why = pictures.available()

   for name, make in pairs(pictures.makers) do
      it(name .. ".svg is what `make pictures` makes", function()
         if pictures.is_screen[name] and not ok then return pending(why) end
         assert.is_true(blocks.read(("spec/guide/%s.svg"):format(name)) == make(),
            name .. ".svg is out of date: look at what `make pictures` makes, and commit it")
      end)
   end

   it("are shown by README.md or a guide", function()
      local all = {}
      for _, path in ipairs(blocks.pages()) do all[#all + 1] = blocks.read(path) end
      local text = table.concat(all)
      for name in pairs(pictures.makers) do assert.truthy(text:find("[(/]" .. name .. "%.svg[)]"), name) end
   end)
end)
