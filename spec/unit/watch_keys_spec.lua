-- The keys of `topaz-status watch`, in whatever pieces a terminal sends them.
local keys = require "topaz.cli.watch_keys"

describe("the keys of watch", function()
   local function after(...)
      local ui = keys.new()
      ui.page = 10
      local ends = false
      for _, bytes in ipairs { ... } do ends = ui:feed(bytes) end
      return ui, ends
   end

   it("go through what there is to sort by, and back to the beginning", function()
      local seen = {}
      for i = 0, #keys.SORTS do seen[#seen + 1] = after(("s"):rep(i)).sort end
      assert.same({ "progress", "left", "name", "newest", "progress" }, seen)
      assert.equal(0, after("jjjs").top)
   end)

   it("move by lines and by pages, never above the beginning", function()
      assert.equal(2, after("jj").top)
      assert.equal(1, after("\27[B\27OB\27[A").top)
      assert.equal(18, after("\27[6~ ").top)
      assert.equal(0, after("j\27[5~").top)
      assert.equal(0, after("kb\27[H").top)
      assert.is_true(after("G").top > 1e6 and after("GGG  jj").top < 1e9)
   end)

   it("quit by q and Q, also out of the help, and not while a text is typed", function()
      assert.is_true(select(2, after("q")))
      assert.is_true(select(2, after("?q")))
      local ui, ends = after("/qQ")
      assert.is_false(ends)
      assert.equal("qQ", ui.filter)
   end)

   it("type a filter, correct it by whole characters, keep it by Enter, drop it by Esc", function()
      assert.equal("a日", after("/a日本\127").filter)
      local ui = after("/ab\r")
      assert.is_false(ui.typing)
      assert.equal("ab", ui.filter)
      assert.is_nil(after("/\r").filter)
      assert.is_nil(after("/ab\27").filter)
      assert.is_nil(after("/ab\r\27").filter)
      assert.equal("c", after("/ab\21c").filter)
      assert.equal("", after("/\127\127").filter)
   end)

   it("ignore keys that mean nothing", function()
      local ui, ends = after("x\27[15~\27[1;5C\0\255")
      assert.is_false(ends)
      assert.same({ "progress", 0, nil, nil }, { ui.sort, ui.top, ui.filter, ui.help })
   end)
end)
