package localaws;

import java.io.IOException;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.fs.s3a.S3AFileSystem;
import org.apache.hadoop.fs.s3a.UnknownStoreException;

/**
 * The object store as the catalog sees it: every path is a folder already.
 *
 * <p>The metastore checks and makes the folder of each database, table and partition. Glue does not
 * look at a location, which need not exist yet; here it would cost several requests per partition
 * and leave objects that nobody wrote. Deleting, for engines that ask for it, is inherited.
 */
public final class CatalogFileSystem extends S3AFileSystem {
  @Override
  public FileStatus getFileStatus(Path path) {
    return new FileStatus(0, true, 1, 0, 0, makeQualified(path));
  }

  @Override
  public boolean mkdirs(Path path, FsPermission permission) {
    return true;
  }

  @Override
  public boolean delete(Path path, boolean recursive) throws IOException {
    try {
      return super.delete(path, recursive);
    } catch (UnknownStoreException error) {
      return true; // nothing is left of a bucket that is not there
    }
  }
}
