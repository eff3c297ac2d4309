# ASSAY_PLUGIN(KIND, NAME, DEFAULT): a reader or scanner that builds into the programs (yes), as a shared object
# (shared) or not at all (no), by --with-plugin-NAME. Sets the conditionals STATIC_NAME and SHARED_NAME.
AC_DEFUN([ASSAY_PLUGIN], [
  AC_ARG_WITH([plugin-$2],
    [AS_HELP_STRING([--with-plugin-$2=yes|shared|no], [build the $1 $2 @<:@default=$3@:>@])],
    [], [with_plugin_$2=$3])
  AS_CASE([$with_plugin_$2],
    [yes], [assay_static_$1s="$assay_static_$1s X($2)"],
    [shared|no], [],
    [AC_MSG_ERROR([--with-plugin-$2 takes yes, shared or no])])
  assay_plugin_summary="$assay_plugin_summary
    $1 $2: $with_plugin_$2"
  AM_CONDITIONAL([STATIC_$2], [test "$with_plugin_$2" = yes])
  AM_CONDITIONAL([SHARED_$2], [test "$with_plugin_$2" = shared])
])

# ASSAY_CHECK_FLAGS(VARIABLE, FLAGS, LANG-COMPILER-EXTRA): appends each flag that the compiler accepts.
AC_DEFUN([ASSAY_CHECK_FLAGS], [
  for assay_flag in $2; do
    AX_CHECK_COMPILE_FLAG([$assay_flag], [$1="$$1 $assay_flag"], [], [-Werror])
  done
])
