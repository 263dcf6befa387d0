-- How busted tells what happened: a line for each spec file, the failures in full, and as the last
-- line "N passed, N failed" (", N skipped"), which is what a reader or a script looks for.
-- LONG: the handler is a closure, which busted asks for.
return function(options)
   local busted = require "busted"
   local handler = require "busted.outputHandlers.base"()
   local passed, failed, skipped, began = 0, 0, 0, 0
   local file = { passed = 0, failed = 0, skipped = 0 }

   local function describe(failure)
      local trace = failure.element.trace or {}
      local message = failure.message
      if type(message) ~= "string" then message = require("pl.pretty").write(message) end
      io.write(("\n%s: %s\n   %s\n"):format(failure.isError and "ERROR" or "FAILED", failure.name,
         message:gsub("\n", "\n   ")))
      if trace.short_src then io.write(("   at %s:%d\n"):format(trace.short_src, trace.currentline)) end
      if options.verbose and failure.trace and failure.trace.traceback then io.write(failure.trace.traceback, "\n") end
   end

   local function on(event, f)
      busted.subscribe(event, function(...)
         f(...)
         return nil, true
      end)
   end

   on({ "file", "start" }, function(element)
      file = { passed = 0, failed = 0, skipped = 0, began = os.time() }
      io.write(("%-52s "):format(element.name:gsub("^%./", ""), ""))
      io.flush()
   end)

   on({ "test", "end" }, function(_, _, status)
      local what = status == "success" and "passed" or status == "pending" and "skipped" or "failed"
      file[what] = file[what] + 1
   end)

   on({ "file", "end" }, function()
      passed, failed, skipped = passed + file.passed, failed + file.failed, skipped + file.skipped
      io.write(("%4d passed"):format(file.passed))
      if file.failed > 0 then io.write((", %d failed"):format(file.failed)) end
      if file.skipped > 0 then io.write((", %d skipped"):format(file.skipped)) end
      io.write(("  %d s\n"):format(os.time() - file.began))
      io.flush()
   end)

   on({ "suite", "start" }, function() began = os.time() end)

   on({ "suite", "end" }, function()
      for _, pending in ipairs(handler.pendings) do
         io.write(
            ("\nskipped: %s%s\n"):format(pending.name, pending.message and ": " .. tostring(pending.message) or ""))
      end
      for _, failure in ipairs(handler.failures) do describe(failure) end
      for _, failure in ipairs(handler.errors) do describe(failure) end
      -- What broke outside a test (a file that does not load, a setup) is in no file's count.
      local broken = 0
      for _, failure in ipairs(handler.errors) do
         if failure.element.descriptor ~= "it" then broken = broken + 1 end
      end
      failed = failed + broken
      if passed + failed == 0 then
         failed = 1
         io.write "\nno test was run\n"
         busted.publish({ "error" }, { descriptor = "suite", name = "no test was run" }, nil, "no test was run", {})
      end
      io.write(("\n%d s\n%d passed, %d failed%s\n"):format(os.time() - began, passed, failed,
         skipped > 0 and (", %d skipped"):format(skipped) or ""))
      io.flush()
   end)

   return handler
end
