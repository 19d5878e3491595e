'use strict';

module.exports = {
  /** Where a presentation travels in `params._meta` of `tools/call`. */
  META_KEY: 'dev.deputize/presentation',
  /** Where a refused result carries its code and link, in `_meta`. */
  DENIAL_KEY: 'dev.deputize/denial',
  /** The header of plain HTTP. */
  HEADER: 'Deputize-Presentation',
  METHOD: 'tools/call',
};
